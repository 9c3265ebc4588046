//! The memory allocator of the program.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// Keeps freed memory for the next tensor: fresh pages are what element-wise operations would otherwise wait for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of `mimalloc.h`, which `libmimalloc-sys` leaves out: milliseconds until freed memory goes
/// back to the system.
const PURGE_DELAY: mi_option_t = 15;

/// Longer than an iteration, so that one finds the memory that the one before has freed. By default it is a second.
const MILLISECONDS: c_long = 60_000;

/// Lets freed memory go back to the system after a minute only.
#[allow(unsafe_code)]
pub fn keep_memory() {
    // SAFETY: the function stores a number; mimalloc ignores options that it does not know.
    unsafe { mi_option_set(PURGE_DELAY, MILLISECONDS) }
}

#[cfg(test)]
mod tests {
    #[test]
    #[allow(unsafe_code)]
    fn the_option_is_the_one_that_waits_a_second_by_default() {
        // SAFETY: the function reads a number.
        let milliseconds = unsafe { libmimalloc_sys::mi_option_get(super::PURGE_DELAY) };
        assert_eq!(milliseconds, 1000);
    }
}
