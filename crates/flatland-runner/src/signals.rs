//! Signals that ask the program to stop.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGUSR1, SIGXFSZ};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::stop::{StopCause, StopToken};

/// The signals that ask to stop: the usual two, which Windows has too, the signal that batch systems send before the
/// time limit, and the signal that a terminal sends when it is closed.
#[cfg(unix)]
const STOPPING: [i32; 4] = [SIGINT, SIGTERM, SIGUSR1, SIGHUP];
#[cfg(not(unix))]
const STOPPING: [i32; 2] = [SIGINT, SIGTERM];

/// Whether a signal asks a process to stop.
pub fn is_stopping(signal: i32) -> bool {
    STOPPING.contains(&signal)
}

/// The signals to listen to: with `nohup`, a terminal may be closed.
fn listened_to() -> Vec<i32> {
    #[cfg(unix)]
    let is_wanted = |signal: &i32| *signal != SIGHUP || !is_ignored(SIGHUP);
    #[cfg(not(unix))]
    let is_wanted = |_: &i32| true;
    STOPPING.into_iter().filter(is_wanted).collect()
}

/// Whether the program was started with a signal ignored.
#[cfg(unix)]
#[allow(unsafe_code)]
fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the function writes the present one, and changes nothing.
    let is_known = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) } == 0;
    // SAFETY: all bits zero are a valid action.
    let action = unsafe { action.assume_init() };
    is_known && action.sa_sigaction == libc::SIG_IGN
}

/// Lets writing beyond a limit of the size of files fail, as on a full disk. By default it ends the program.
///
/// # Errors
///
/// The operating system does not let the program handle the signal.
pub fn survive_file_size_limits() -> Result<()> {
    #[cfg(unix)]
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Lets the first signal that asks to stop raise a token, from now on, and calls `on_signal` with its name. A second
/// Ctrl-C ends the program at once; the processes that it has started notice that.
///
/// # Errors
///
/// The operating system does not let the program listen.
#[cfg(unix)]
pub fn listen(token: &StopToken, on_signal: impl Fn(&str) + Send + 'static) -> Result<()> {
    use std::time::{Duration, Instant};

    /// Some senders (`timeout`, terminals) signal a process and its group: both together are one signal.
    const ONE_SIGNAL: Duration = Duration::from_millis(200);

    let mut signals = signal_hook::iterator::Signals::new(listened_to())?;
    let token = token.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let mut since: Option<Instant> = None;
            for signal in signals.forever() {
                match since {
                    None => {
                        since = Some(Instant::now());
                        token.stop(StopCause::Signal(signal));
                        let name = signal_hook::low_level::signal_name(signal);
                        on_signal(name.unwrap_or("signal"));
                    }
                    Some(since) if signal == SIGINT && since.elapsed() > ONE_SIGNAL => {
                        std::process::exit(exit_code(SIGINT).into())
                    }
                    Some(_) => {}
                }
            }
        })?;
    Ok(())
}

/// Lets a signal that asks to stop raise a token, from now on. A second one ends the program at once.
///
/// # Errors
///
/// The operating system does not let the program listen.
#[cfg(not(unix))]
pub fn listen(token: &StopToken, _: impl Fn(&str) + Send + 'static) -> Result<()> {
    for signal in listened_to() {
        let code = exit_code(signal).into();
        signal_hook::flag::register_conditional_shutdown(signal, code, token.flag().clone())?;
    }
    raise_flag(token.flag())
}

/// The exit code of a program that a signal has stopped: 128 and the signal's number.
pub fn exit_code(signal: i32) -> u8 {
    128 + signal as u8
}

/// The exit code of a program that was stopped: that of its signal, or of Ctrl-C.
pub fn exit_code_of(cause: Option<StopCause>) -> u8 {
    match cause {
        Some(StopCause::Signal(signal)) => exit_code(signal),
        _ => exit_code(SIGINT),
    }
}

/// Lets every signal that asks to stop raise a flag, and do nothing else.
///
/// # Errors
///
/// The operating system does not let the program listen.
pub fn raise_flag(flag: &Arc<AtomicBool>) -> Result<()> {
    for signal in listened_to() {
        signal_hook::flag::register(signal, flag.clone())?;
    }
    Ok(())
}

/// Lets every signal that asks to stop end the program with an exit code, at once.
///
/// # Errors
///
/// The operating system does not let the program listen.
pub fn end_at_once(code: i32) -> Result<()> {
    for signal in listened_to() {
        let always = Arc::new(AtomicBool::new(true));
        signal_hook::flag::register_conditional_shutdown(signal, code, always)?;
    }
    Ok(())
}
