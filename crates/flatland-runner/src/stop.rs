//! Asking runs to stop.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why runs are to stop. `run.json` names it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopCause {
    /// The user asked for it.
    User,
    /// A signal with this number. The user, or a batch system for the user, sent it.
    Signal(i32),
    /// The run took this long, which is its limit.
    TimeLimit(Duration),
    /// The process that had started the run has ended.
    ParentEnded,
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User | Self::Signal(_) => f.write_str("the user"),
            Self::TimeLimit(limit) => {
                write!(f, "the time limit of {} min", limit.as_secs_f64() / 60.0)
            }
            Self::ParentEnded => f.write_str("the end of the process that had started it"),
        }
    }
}

/// Asks the runs that hold a copy to stop, and tells them why. It is never reset.
#[derive(Clone, Default)]
pub struct StopToken {
    /// Alone, since evaluations test it between chunks and signal handlers raise it.
    flag: Arc<AtomicBool>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    cause: Option<StopCause>,
    callbacks: Vec<Box<dyn FnOnce() + Send>>,
}

impl StopToken {
    /// A token that asks nobody to stop.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the runs to stop. The first cause counts.
    pub fn stop(&self, cause: StopCause) {
        let callbacks = {
            let mut state = self.state();
            state.cause.get_or_insert(cause);
            self.flag.store(true, Ordering::Relaxed);
            std::mem::take(&mut state.callbacks)
        };
        callbacks.into_iter().for_each(|callback| callback());
    }

    /// Whether the runs were asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Why the runs were asked to stop. `None` if they were not. If only the [flag](Self::flag) was raised, the user
    /// did it.
    pub fn cause(&self) -> Option<StopCause> {
        let cause = self.state().cause;
        self.is_stopped().then(|| cause.unwrap_or(StopCause::User))
    }

    /// The flag that the token raises. Raising it directly asks the runs to stop without a cause.
    pub fn flag(&self) -> &Arc<AtomicBool> {
        &self.flag
    }

    /// Calls `callback` when the runs are asked to stop; at once if they already were. Raising the flag does not call
    /// it.
    pub fn on_stop(&self, callback: impl FnOnce() + Send + 'static) {
        {
            let mut state = self.state();
            if state.cause.is_none() {
                return state.callbacks.push(Box::new(callback));
            }
        }
        callback();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn the_first_cause_counts_and_every_copy_knows_it() {
        let token = StopToken::new();
        let copy = token.clone();
        assert!(!copy.is_stopped() && copy.cause().is_none());
        token.stop(StopCause::TimeLimit(Duration::from_secs(30)));
        token.stop(StopCause::ParentEnded);
        let cause = copy.cause().unwrap();
        assert!(copy.is_stopped() && copy.flag().load(Ordering::Relaxed));
        assert_eq!(cause.to_string(), "the time limit of 0.5 min");
        let sent: StopCause =
            serde_json::from_str(&serde_json::to_string(&cause).unwrap()).unwrap();
        assert_eq!(sent, cause);
    }

    #[test]
    fn a_raised_flag_is_a_wish_of_the_user() {
        let token = StopToken::new();
        token.flag().store(true, Ordering::Relaxed);
        assert_eq!(token.cause(), Some(StopCause::User));
    }

    #[test]
    fn callbacks_are_called_once_whenever_they_come() {
        let token = StopToken::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let call = || {
            let calls = calls.clone();
            move || {
                calls.fetch_add(1, Ordering::Relaxed);
            }
        };
        token.on_stop(call());
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        token.stop(StopCause::User);
        token.stop(StopCause::User);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        token.on_stop(call());
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }
}
