//! Which precisions gain time on this processor.

use causal_trace_core::Precision;

use super::Isa;

/// The precisions whose matrix products are faster than those of float32 with the instructions in use, the fastest
/// first. With AMX that is what others have measured of such products; ours have not been timed there.
///
/// With AVX-512's bfloat16 dot products alone that is plain bfloat16 only: a split kind takes three or six of them,
/// which is more than float32 costs.
#[must_use]
pub fn faster_than_f32() -> &'static [Precision] {
    match Isa::current() {
        Isa::Amx => &[Precision::Bf16, Precision::Bf16x3, Precision::Bf16x6],
        Isa::Avx512Bf16 => &[Precision::Bf16],
        Isa::Portable | Isa::Avx2 | Isa::Avx512 => &[],
    }
}
