//! What is timed: by `flatland-side` in turns with PyTorch and JAX, and alone by `cargo bench -p flatland-bench`.

#[path = "../../experiments/src/allocator.rs"]
pub mod allocator;
pub mod subject;
