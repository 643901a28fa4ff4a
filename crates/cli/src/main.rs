//! The program `causal-trace`.
fn main() {}
