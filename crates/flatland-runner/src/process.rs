//! Runs in processes of their own.
//!
//! A process that crashes, runs out of memory or loses its device ends its run and nothing else. The parent starts it
//! with a command that the program names, and writes an [`Order`](protocol::Order) to its standard input. The child
//! answers with [`Message`](protocol::Message)s on its standard output, and stops when its standard input says so or
//! ends. What it prints to standard error is shown to the user.
//!
//! The child takes the lock of the directory and checks once more whether the run is finished before it executes it.
//! The parent passes on events, limits time and memory, and records the end of a process that could not do so itself.

pub mod child;
mod death;
pub(crate) mod parent;
pub mod protocol;
