//! Which precisions gain time on this processor.

use causal_trace_core::Precision;

/// The precisions whose matrix products are faster than those of float32 on this processor, the fastest first.
///
/// With AVX-512's bfloat16 dot products alone that is plain bfloat16 only: a split kind takes three or six of them,
/// which is more than float32 costs.
#[must_use]
pub fn faster_than_f32() -> &'static [Precision] {
    if has_bf16_dot_products() { &[Precision::Bf16] } else { &[] }
}

#[cfg(target_arch = "x86_64")]
fn has_bf16_dot_products() -> bool {
    is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_bf16_dot_products() -> bool {
    false
}
