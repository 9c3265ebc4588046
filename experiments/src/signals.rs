//! Signals that ask the program to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use anyhow::Result;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGUSR1, SIGXFSZ};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Beside the usual ones, which Windows has too, what batch systems send before the time limit, and what a terminal
/// sends when it is closed.
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

/// Lets writing past a limit of the size of files fail, as on a full disk, in place of ending the program.
///
/// # Errors
///
/// The operating system does not let the program handle the signal.
pub fn outlive_file_limits() -> Result<()> {
    #[cfg(unix)]
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Raised by the first signal.
pub struct Stop {
    flag: Arc<AtomicBool>,
    signal: Arc<AtomicI32>,
}

impl Stop {
    /// Listens from now on. A second Ctrl-C ends the program at once; what it has started notices that.
    ///
    /// # Errors
    ///
    /// The operating system does not let the program listen.
    pub fn listen() -> Result<Self> {
        let stop = Self {
            flag: Arc::default(),
            signal: Arc::new(AtomicI32::new(SIGINT)),
        };
        stop.start()?;
        Ok(stop)
    }

    pub fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// The exit code of a program that a signal has stopped: 128 and its number.
    pub fn exit_code(&self) -> u8 {
        exit_code(self.signal.load(Ordering::Relaxed))
    }

    #[cfg(unix)]
    fn start(&self) -> Result<()> {
        use std::time::{Duration, Instant};

        use crate::say::say;

        /// Some senders (`timeout`, terminals) signal a process and its group: both together are one wish.
        const ONE_WISH: Duration = Duration::from_millis(200);

        let mut signals = signal_hook::iterator::Signals::new(listened_to())?;
        let (flag, first) = (self.flag.clone(), self.signal.clone());
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                let mut since: Option<Instant> = None;
                for signal in signals.forever() {
                    match since {
                        None => {
                            since = Some(Instant::now());
                            first.store(signal, Ordering::Relaxed);
                            flag.store(true, Ordering::Relaxed);
                            let name = signal_hook::low_level::signal_name(signal);
                            say!(
                                "\n{}: stopping; press Ctrl-C again to stop at once",
                                name.unwrap_or("signal")
                            );
                        }
                        Some(since) if signal == SIGINT && since.elapsed() > ONE_WISH => {
                            std::process::exit(exit_code(SIGINT).into())
                        }
                        Some(_) => {}
                    }
                }
            })?;
        Ok(())
    }

    #[cfg(not(unix))]
    fn start(&self) -> Result<()> {
        for signal in listened_to() {
            let code = exit_code(signal).into();
            signal_hook::flag::register_conditional_shutdown(signal, code, self.flag.clone())?;
        }
        raise_flag(&self.flag)
    }
}

fn exit_code(signal: i32) -> u8 {
    128 + signal as u8
}

/// Lets every signal that asks to stop raise a flag, and do nothing else, however often it comes.
pub fn raise_flag(flag: &Arc<AtomicBool>) -> Result<()> {
    for signal in listened_to() {
        signal_hook::flag::register(signal, flag.clone())?;
    }
    Ok(())
}

/// Lets every signal that asks to stop end the program with an exit code, at once.
pub fn end_at_once(code: i32) -> Result<()> {
    for signal in listened_to() {
        let always = Arc::new(AtomicBool::new(true));
        signal_hook::flag::register_conditional_shutdown(signal, code, always)?;
    }
    Ok(())
}
