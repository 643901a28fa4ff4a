//! `causal-trace calibrate` as it is typed.

use std::path::PathBuf;
use std::str::FromStr;

use causal_trace_core::{NoiseStream, Precision};
use clap::ValueEnum;

use super::{MOST_SAMPLES, MOST_THREADS, ModelArgs, up_to};
use crate::memory::parse_bytes;

const MOST_FACTS: usize = 1 << 30;
const MOST_MULTIPLES: usize = 100;
/// Where every model is far beyond what any noise level means.
const LARGEST_MULTIPLE: f64 = 1e6;

const EXAMPLES: &str = "Examples:
  causal-trace calibrate
  causal-trace calibrate --model ./llama --facts known_1000.json --out noise-of-llama
  causal-trace calibrate --model ./llama --multiples 0.1,0.3,1,3,10,30,100 --sample 200

Nothing is restored here: only clean and corrupted runs are made, so that it is quick.

Exit codes: 0 done (with a plateau or without), 1 failed, 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CalibrateArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Facts, as ROME's known_1000.json; their subjects set the scale of the noise [default: the embedded facts]
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// How many facts that the model knows are measured, drawn by --seed
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = up_to(MOST_FACTS))]
    pub(crate) sample: usize,
    /// known (only facts whose attribute's first token the model predicts), or predicted (any facts, with the model's own
    /// prediction as the answer) [default: known; predicted where the model knows none]
    #[arg(long)]
    pub(crate) answers: Option<Answers>,
    /// Multiples of the standard deviation of the subjects' embeddings; 3 is always among them
    #[arg(long, value_name = "LIST", default_value = "0.25,0.5,0.75,1,1.5,2,2.5,3,4,5,6,8,10,15,20")]
    pub(crate) multiples: Multiples,
    /// How many times the noise is drawn for each fact; the draws are the same at every multiple
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = up_to(MOST_SAMPLES))]
    pub(crate) samples: usize,
    /// Seed of the facts and of the noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// independent, or rome (NumPy's RandomState(seed), afresh for every prompt) [default: independent]
    #[arg(long, value_name = "STREAM")]
    pub(crate) noise_stream: Option<NoiseStream>,
    /// Accuracy of matrix products: f32, bf16x6, bf16x3 or bf16
    #[arg(long, default_value_t = Precision::F32)]
    pub(crate) precision: Precision,
    /// Upper bound for the program's memory, as in 500M or 4G [default: three quarters of the free memory]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) memory: Option<usize>,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = up_to(MOST_THREADS))]
    pub(crate) threads: Option<usize>,
    /// Folder for calibrate.html (a page with the curves), calibrate.json, calibrate.csv, calibrate.{svg,pdf,png}
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print calibrate.json instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which facts, and whose probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answers {
    Known,
    Predicted,
}

impl Answers {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Answers::Known => "known",
            Answers::Predicted => "predicted",
        }
    }
}

/// Positive numbers that increase.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Multiples(pub(crate) Vec<f64>);

impl FromStr for Multiples {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "expected up to {MOST_MULTIPLES} numbers above 0, at most {LARGEST_MULTIPLE}, as in 0.5,1,2,3,5,10"
            )
        };
        let numbers: Result<Vec<f64>, _> =
            text.split(',').map(|number| number.trim().parse::<f64>()).collect();
        let mut numbers = numbers.map_err(|_| wrong())?;
        if numbers.len() > MOST_MULTIPLES
            || !numbers.iter().all(|&number| number > 0.0 && number <= LARGEST_MULTIPLE)
        {
            return Err(wrong());
        }
        numbers.sort_unstable_by(f64::total_cmp);
        numbers.dedup();
        Ok(Multiples(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_positive_and_increase() {
        assert_eq!("5, 1,0.5,1".parse(), Ok(Multiples(vec![0.5, 1.0, 5.0])));
        for wrong in ["", "0", "-1", "1,x", "nan", "inf", "1,,2", "1e9"] {
            assert!(wrong.parse::<Multiples>().is_err(), "{wrong} was accepted");
        }
    }
}
