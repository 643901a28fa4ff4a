//! Which settings make sense for a model.

use causal_trace_core::{Component, Distribution, Engine, Method, NoiseStream, Prompt, TraceConfig};
use causal_trace_lm::{Model, Wiring};

use crate::TraceError;

/// Whether a prompt and the settings fit the model.
pub(crate) fn check(model: &Model, prompt: &Prompt, config: &TraceConfig) -> Result<(), TraceError> {
    model.check_prompt(&prompt.ids)?;
    check_settings(model, config)
}

fn wrong(what: &'static str, value: impl Into<String>, expected: &'static str) -> Result<(), TraceError> {
    Err(TraceError::Setting { what, value: value.into(), expected })
}

/// Whether the settings fit the model.
pub(crate) fn check_settings(model: &Model, config: &TraceConfig) -> Result<(), TraceError> {
    if config.window.width == 0 || config.residual_window.width == 0 {
        return wrong("window", "0", "at least 1");
    }
    let twice = |component| config.components.iter().filter(|&&other| other == component).count() > 1;
    if let Some(component) = config.components.iter().find(|&&component| twice(component)) {
        return wrong("components", format!("{component} twice"), "a list without repetition");
    }
    let is_parallel = model.architecture().wiring != Wiring::Sequential;
    if is_parallel && config.components.contains(&Component::ResidMid) {
        let expected = "another component: in this model attention and mlp read the same state, and there is none \
                        between them";
        return wrong("component", Component::ResidMid.name(), expected);
    }
    let repeated = |metric| config.all_metrics().filter(|&other| other == metric).count() > 1;
    if let Some(metric) = config.all_metrics().find(|&metric| repeated(metric)) {
        return wrong("metrics", format!("{metric} twice"), "a list without repetition");
    }
    check_corruption(config)
}

fn check_corruption(config: &TraceConfig) -> Result<(), TraceError> {
    let corruption = &config.corruption;
    if corruption.samples == 0 {
        return wrong("samples", "0", "at least 1");
    }
    if corruption.stream == NoiseStream::Rome && corruption.seed > u64::from(u32::MAX) {
        let expected = "below 2^32 for the noise stream of rome, as in NumPy";
        return wrong("seed", corruption.seed.to_string(), expected);
    }
    match &corruption.method {
        Method::Noise { level, .. } if !(level.is_finite() && *level >= 0.0) => {
            return wrong("noise level", level.to_string(), "a finite number of at least 0");
        }
        Method::Noise { distribution: Distribution::StudentT { degrees, .. }, .. }
            if !(degrees.is_finite() && *degrees > 2.0) =>
        {
            return wrong("degrees of freedom", degrees.to_string(), "a finite number above 2");
        }
        Method::Counterpart if corruption.samples != 1 => {
            let expected = "1 for pairs of prompts, which have nothing random";
            return wrong("samples", corruption.samples.to_string(), expected);
        }
        _ => {}
    }
    if !corruption.fresh_for_each_site {
        return Ok(());
    }
    if config.engine != Engine::Naive {
        let expected = "naive for draws of their own at every site, where the engine cannot share runs";
        return wrong("engine", config.engine.to_string(), expected);
    }
    if corruption.stream == NoiseStream::Rome {
        return wrong("noise stream", "rome", "independent for draws of their own at every site");
    }
    Ok(())
}
