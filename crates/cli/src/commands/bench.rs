//! `causal-trace bench`: how fast the engine is on a made-up model.

use std::time::Instant;

use anyhow::{Context, Result};
use causal_trace_core::{
    Component, Corruption, CorruptionMode, Direction, Distribution, Engine, Method, NoiseStream, Precision,
    Prompt, TokenSpan, TraceConfig, TraceRecord, Window,
};
use causal_trace_engine::{Answer, Case, minimal_operations, trace_batch};
use causal_trace_lm::Model;
use causal_trace_lm::kernels::{Linear, Threads, linear};

use super::with_threads;
use crate::args::BenchArgs;
use crate::memory::{self, Budget, Shares};
use crate::printer::Printer;
use crate::settings;
use crate::usage::Usage;

/// GPT-2's vocabulary, which the head's share of the work depends on.
const D_VOCAB: usize = 50_257;
const MOST_LAYERS: usize = 1_000;
const MOST_WIDTH: usize = 65_536;

struct Shape {
    n_layers: usize,
    d_model: usize,
    n_heads: usize,
}

impl Shape {
    fn parse(text: &str) -> Result<Self> {
        let numbers = match text {
            "gpt2" => "12x768x12",
            "gpt2-medium" => "24x1024x16",
            "gpt2-large" => "36x1280x20",
            "gpt2-xl" => "48x1600x25",
            other => other,
        };
        let numbers: Option<Vec<usize>> =
            numbers.split('x').map(|number| number.parse().ok().filter(|&number| number > 0)).collect();
        match numbers.as_deref() {
            Some(&[n_layers, d_model, n_heads])
                if d_model % n_heads == 0 && n_layers <= MOST_LAYERS && d_model <= MOST_WIDTH =>
            {
                Ok(Shape { n_layers, d_model, n_heads })
            }
            _ => Err(Usage(format!(
                "--shape {text}: expected gpt2, gpt2-medium, gpt2-large, gpt2-xl or LAYERSxWIDTHxHEADS, at most \
                 {MOST_LAYERS} layers, a width of at most {MOST_WIDTH} and a multiple of the heads"
            ))
            .into()),
        }
    }

    /// A GPT-2 with small random weights.
    fn model(&self) -> Result<Model> {
        let Shape { n_layers, d_model, n_heads } = self;
        let config = format!(
            r#"{{"model_type": "gpt2", "n_layer": {n_layers}, "n_embd": {d_model}, "n_head": {n_heads},
                "vocab_size": {D_VOCAB}, "n_positions": 1024, "activation_function": "gelu_new"}}"#
        );
        let mut random = 1u32;
        let mut tensor = |name: &str, shape: &[usize]| {
            let size = shape.iter().product();
            let is_norm = name.contains("ln_") && name.ends_with("weight");
            let mut value = || {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((random >> 8) as f32 / (1 << 24) as f32 - 0.5) * 0.07
            };
            (0..size).map(|_| if is_norm { 1.0 } else { value() }).collect()
        };
        Ok(Model::from_source(&config, Precision::F32, &mut tensor)?)
    }
}

/// What one call measures.
#[derive(serde::Serialize)]
struct Measurement {
    shape: String,
    tokens: usize,
    subject: usize,
    prompts: usize,
    samples: usize,
    components: Vec<Component>,
    window: usize,
    precision: &'static str,
    threads: usize,
    runs: usize,
    seconds: f64,
    seconds_of_runs: Vec<f64>,
    naive_seconds: Option<f64>,
    naive_over_wavefront: Option<f64>,
    flops: f64,
    gflops_per_second: f64,
    matmul_gflops_per_second: f64,
    efficiency: f64,
    peak_memory_bytes: Option<usize>,
}

pub(crate) fn run(args: &BenchArgs, printer: &Printer) -> Result<()> {
    let shape = Shape::parse(&args.shape)?;
    if args.subject > args.tokens {
        let problem = format!("--subject {} is more than --tokens {}", args.subject, args.tokens);
        return Err(Usage(problem).into());
    }
    let measurement = with_threads(args.threads, || measure(args, &shape, printer))??;
    if args.json {
        printer.result(&serde_json::to_string_pretty(&measurement)?);
    } else {
        printer.result(&measurement.table());
    }
    Ok(())
}

fn measure(args: &BenchArgs, shape: &Shape, printer: &Printer) -> Result<Measurement> {
    printer.note(&format!("making a model of shape {}", args.shape));
    let budget = Budget::new(args.memory, 1);
    let model = shape.model()?;
    let Shares { states, .. } = budget.shares(model.architecture(), model.precision(), false)?;
    let prompts: Vec<Prompt> = (0..args.prompts as u32)
        .map(|prompt| Prompt {
            text: String::new(),
            subject: String::new(),
            ids: (0..args.tokens as u32).map(|token| 1000 + 37 * token + 1009 * (prompt % 32)).collect(),
            tokens: vec![String::new(); args.tokens],
            subject_span: TokenSpan { start: 0, end: args.subject },
        })
        .collect();
    let cases: Vec<Case<'_>> = prompts.iter().map(|prompt| Case::new(prompt, Answer::Predicted)).collect();
    let config = config(args, states);
    let time = |engine: Engine| -> Result<f64> {
        let config = TraceConfig { engine, ..config.clone() };
        let record =
            |prompt: &Prompt| TraceRecord::unmeasured(prompt.clone(), config.clone(), shape.n_layers);
        let mut records: Vec<TraceRecord> = prompts.iter().map(record).collect();
        let start = Instant::now();
        let traced = trace_batch(&model, &cases, &config, &mut records, &mut |_, _| {})?;
        traced.into_iter().collect::<Result<(), _>>()?;
        Ok(start.elapsed().as_secs_f64())
    };
    let (mut wavefront, mut naive, mut matmul) = (Vec::new(), Vec::new(), Vec::new());
    time(Engine::Wavefront).context("the warm-up run failed")?;
    for run in 0..args.runs {
        printer.note(&format!("run {} of {}", run + 1, args.runs));
        matmul.push(matmul_rate(shape));
        wavefront.push(time(Engine::Wavefront)?);
        if args.naive {
            naive.push(time(Engine::Naive)?);
        }
    }
    let seconds = median(&wavefront).context("no run was timed")?;
    let naive_seconds = median(&naive);
    let matmul = median(&matmul).context("no product was timed")?;
    let flops = cases.iter().map(|case| minimal_operations(&model, case, &config)).sum::<f64>();
    Ok(Measurement {
        shape: args.shape.clone(),
        tokens: args.tokens,
        subject: args.subject,
        prompts: args.prompts,
        samples: args.samples,
        components: config.components.clone(),
        window: args.window,
        precision: "f32",
        threads: rayon::current_num_threads(),
        runs: args.runs,
        seconds,
        seconds_of_runs: wavefront,
        naive_seconds,
        naive_over_wavefront: naive_seconds.map(|naive| naive / seconds),
        flops,
        gflops_per_second: flops / seconds / 1e9,
        matmul_gflops_per_second: matmul,
        efficiency: flops / seconds / 1e9 / matmul,
        peak_memory_bytes: memory::peak_bytes(),
    })
}

fn config(args: &BenchArgs, states: usize) -> TraceConfig {
    TraceConfig {
        components: settings::components(&args.component),
        window: Window { width: args.window },
        residual_window: Window::SINGLE,
        metrics: Vec::new(),
        direction: Direction::Denoise,
        corruption: Corruption {
            method: Method::Noise {
                distribution: Distribution::Gaussian,
                level: 0.1,
                mode: CorruptionMode::Add,
                baseline_mode: CorruptionMode::Add,
            },
            extra_tokens: 0,
            stream: NoiseStream::Independent,
            seed: 1,
            samples: args.samples,
            fresh_for_each_site: false,
        },
        engine: Engine::Wavefront,
        memory: states,
    }
}

/// The machine's own rate for one large product of this width, in GFLOP/s.
fn matmul_rate(shape: &Shape) -> f64 {
    const ROWS: usize = 2048;
    let (n_in, n_out) = (shape.d_model, 4 * shape.d_model);
    let numbers = |count: usize| -> Vec<f32> { (0..count).map(|i| (i % 17) as f32 / 17.0 - 0.5).collect() };
    let map = Linear::from_in_out(numbers(n_in * n_out), None, n_in, n_out);
    let (x, mut y) = (numbers(ROWS * n_in), vec![0.0; ROWS * n_out]);
    let mut product = || {
        let start = Instant::now();
        linear(&x, &map, 0..n_out, &mut y, Threads::All);
        start.elapsed().as_secs_f64()
    };
    product();
    let seconds: Vec<f64> = (0..5).map(|_| product()).collect();
    2.0 * (ROWS * n_in * n_out) as f64 / median(&seconds).unwrap_or(f64::NAN) / 1e9
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

impl Measurement {
    fn table(&self) -> String {
        let mut rows = vec![
            format!(
                "{} ({} prompts of {} tokens, subject of {}, {} samples, {} threads, {})",
                self.shape,
                self.prompts,
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
        rows.push(format!("full-layer work     {:.1} GFLOP", self.flops / 1e9));
        rows.push(format!("rate                {:.0} GFLOP/s", self.gflops_per_second));
        rows.push(format!("one large product   {:.0} GFLOP/s", self.matmul_gflops_per_second));
        rows.push(format!("efficiency          {:.2}", self.efficiency));
        if let Some(peak) = self.peak_memory_bytes {
            rows.push(format!("peak memory         {:.0} MiB", peak as f64 / (1 << 20) as f64));
        }
        rows.join("\n")
    }
}
