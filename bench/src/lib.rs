//! The timed tasks, for `flatland-side`, which takes turns with PyTorch and JAX, and for
//! `cargo bench -p flatland-bench`.

#[path = "../../experiments/src/allocator.rs"]
pub mod allocator;
pub mod subject;
