//! The nine operations that a decoder needs, on plain buffers of rows × features.
//!
//! Everything faster (other instruction sets, a GPU) comes behind these functions without the blocks or the
//! engines noticing. All buffers are row-major float32; every function states its shapes.

mod activation;
mod attention;
mod embedding;
mod faster;
mod linear;
mod log_sum_exp;
mod math;
mod norm;
mod product;
mod read_out;
mod rotate;

pub use activation::{activate, activate_gated, soft_cap};
pub use attention::{AttentionShape, KeyValues, Queries, Run, attention};
pub use embedding::{add_rows, gather};
pub use faster::faster_than_f32;
pub(crate) use linear::linear_activated;
pub use linear::{Linear, Packed, Threads, linear, linear_packed};
pub use log_sum_exp::log_probability;
pub use norm::{Norm, norm};
pub use product::{Isa, IsaError, Order, ReadRows};
pub use read_out::{ReadOut, Reading, Reference, read_out};
pub use rotate::rotate;
