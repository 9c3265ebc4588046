//! Lines for the user, who may not be there to read them any more: a closed pipe or terminal ends no grid.

/// Prints a line to standard error, if it can be.
macro_rules! say {
    ($($part:tt)*) => {{
        let line = format!($($part)*);
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{line}\n"));
    }};
}

/// Prints a line to standard output, if it can be.
macro_rules! show {
    ($($part:tt)*) => {{
        let line = format!($($part)*);
        let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{line}\n"));
    }};
}

pub(crate) use {say, show};
