//! What a call measures, and how it is shown.

use causal_trace_core::{Component, Precision};

/// What one call measures.
#[derive(Debug, serde::Serialize)]
pub(super) struct Measurement {
    pub(super) shape: String,
    pub(super) tokens: usize,
    pub(super) subject: usize,
    pub(super) prompts: usize,
    pub(super) samples: usize,
    pub(super) components: Vec<Component>,
    pub(super) window: usize,
    pub(super) precision: Precision,
    pub(super) threads: usize,
    pub(super) runs: usize,
    pub(super) seconds: f64,
    pub(super) seconds_of_runs: Vec<f64>,
    pub(super) naive_seconds: Option<f64>,
    pub(super) naive_over_wavefront: Option<f64>,
    pub(super) flops: f64,
    pub(super) gflops_per_second: f64,
    pub(super) matmul_gflops_per_second: f64,
    pub(super) efficiency: f64,
    /// Of the blocks' and the head's weights, which each sweep reads.
    pub(super) weight_bytes: f64,
    pub(super) memory_bytes_per_second: f64,
    /// What neither products nor memory allow to pass.
    pub(super) limit_seconds: f64,
    /// Up to and including the first run, before anything else is measured.
    pub(super) peak_memory_bytes: Option<usize>,
    /// Of any probability; where it was asked for, and the precision is not float32.
    pub(super) largest_difference_from_f32: Option<f64>,
}

/// Seconds that two limits of the machine allow.
pub(super) struct Limits {
    pub(super) products: f64,
    pub(super) memory: f64,
}

impl Limits {
    pub(super) fn largest(&self) -> f64 {
        self.products.max(self.memory)
    }
}

impl Measurement {
    fn limits(&self) -> Limits {
        Limits {
            products: self.flops / (self.matmul_gflops_per_second * 1e9),
            memory: self.weight_bytes / self.memory_bytes_per_second,
        }
    }

    pub(super) fn table(&self) -> String {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let mut rows = vec![
            format!(
                "{} ({} prompt{} of {} tokens, subject of {}, {} samples, {} threads, {})",
                self.shape,
                self.prompts,
                plural(self.prompts),
                self.tokens,
                self.subject,
                self.samples,
                self.threads,
                self.precision
            ),
            format!("wavefront           {:.3} s (median of {})", self.seconds, self.runs),
        ];
        if let (Some(naive), Some(ratio)) = (self.naive_seconds, self.naive_over_wavefront) {
            rows.push(format!("naive               {naive:.3} s, {ratio:.2} times the wavefront"));
        }
        if let Some(difference) = self.largest_difference_from_f32 {
            rows.push(format!("from f32            {difference:.1e} at most, of any probability"));
        }
        if let Some(peak) = self.peak_memory_bytes {
            rows.push(format!("peak memory         {:.0} MiB", peak as f64 / (1 << 20) as f64));
        }
        rows.extend(self.roofline());
        rows.join("\n")
    }

    fn roofline(&self) -> Vec<String> {
        let limits = self.limits();
        let by = if limits.products > limits.memory { "products" } else { "memory" };
        let over = self.seconds / limits.largest();
        vec![
            String::new(),
            format!("{:<12}{:>14}{:>20}{:>12}", "roofline", "work", "the machine's rate", "seconds"),
            format!(
                "{:<12}{:>8.1} GFLOP{:>12.0} GFLOP/s{:>12.3}",
                "products",
                self.flops / 1e9,
                self.matmul_gflops_per_second,
                limits.products
            ),
            format!(
                "{:<12}{:>11.2} GB{:>15.1} GB/s{:>12.3}",
                "memory",
                self.weight_bytes / 1e9,
                self.memory_bytes_per_second / 1e9,
                limits.memory
            ),
            format!(
                "{:<12}{:>8.1} GFLOP{:>12.0} GFLOP/s{:>12.3}",
                "measured",
                self.flops / 1e9,
                self.gflops_per_second,
                self.seconds
            ),
            format!("The limit is set by {by}; the sweep takes {over:.2} times as long."),
            format!(
                "Efficiency {:.2}: the rate over that of one large product; work as in docs/performance.md.",
                self.efficiency
            ),
        ]
    }
}
