//! One prompt, many noise draws: how much an effect depends on the noise.

use causal_trace_core::{Component, Direction};
use causal_trace_results::{EffectGrid, Manifest, PromptRecord, TracedPrompt};

use super::lines::share_limits;
use super::prompt::{map, runs, traced};
use super::{Measure, checked};
use crate::label::visible;
use crate::{
    ColorScale, Content, Figure, FigureError, Lines, Panel, Provenance, Series, Stroke, Width, words,
};

/// The look of the mean's line.
const MEAN: Stroke = Stroke::Distinct(2);

/// For each component the indirect effect's mean and standard deviation over noise draws, and every draw's effect at
/// the token with the largest mean; with the stem of its file, as in `repeated-12-residual`.
///
/// # Errors
/// A fact that was not traced, that has fewer than two samples, or whose grids do not fit its tokens.
pub fn repeated(manifest: &Manifest, record: &PromptRecord) -> Result<Vec<(String, Figure)>, FigureError> {
    let traced = traced(record)?;
    let id = record.fact.known_id;
    let stem = |component: Component| format!("repeated-{id}-{component}");
    traced
        .grids
        .iter()
        .map(|grid| Ok((stem(grid.component), of_component(manifest, record, traced, grid)?)))
        .collect()
}

fn of_component(
    manifest: &Manifest,
    record: &PromptRecord,
    traced: &TracedPrompt,
    grid: &EffectGrid,
) -> Result<Figure, FigureError> {
    let direction = manifest.settings.direction;
    let draws = Draws::of(record, traced, grid, direction)?;
    let (means, deviations) = (draws.means(), draws.deviations());
    let mean_scale = ColorScale::sequential(grid.component, direction, &means);
    let deviation_scale = ColorScale::sequential(grid.component, Direction::Denoise, &deviations);
    let measure = Measure::IndirectEffect;
    let panel = |title: &str, values, scale, before| -> Result<Panel, FigureError> {
        let map = map(manifest, record, grid, values, scale, measure.with_unit(before))?;
        Ok(Panel { title: title.to_owned(), content: Content::Map(map) })
    };
    let mut panels = vec![
        panel("mean over draws", means.clone(), mean_scale, "")?,
        panel("standard deviation over draws (n − 1)", deviations, deviation_scale, "SD of ")?,
    ];
    panels.push(draws.lines(record, &means, direction, words::layer_axis(window(manifest, grid.component))));
    share_limits(&mut panels);
    checked(figure(manifest, record, grid, &draws, panels)?)
}

fn window(manifest: &Manifest, component: Component) -> usize {
    if component.is_windowed() { manifest.settings.window.width } else { 1 }
}

fn figure(
    manifest: &Manifest,
    record: &PromptRecord,
    grid: &EffectGrid,
    draws: &Draws,
    panels: Vec<Panel>,
) -> Result<Figure, FigureError> {
    let patching = words::patching(grid.component, manifest.settings.direction);
    let note = format!(
        "fact {}; IE of a draw: the answer's probability with the patch minus without, under the same noise; *: \
         subject",
        record.fact.known_id
    );
    Ok(Figure {
        title: format!("One prompt, {} noise draws: indirect effect of {patching}", draws.n_draws),
        subtitle: format!("{}, {}", runs(record)?, manifest.model.name),
        width: Width::Page,
        columns: 2,
        panels,
        small_print: vec![note],
        provenance: vec![Provenance::of(manifest, 1)],
    })
}

/// The indirect effect of every draw.
struct Draws {
    n_layers: usize,
    n_draws: usize,
    /// `[n_tokens, n_layers, n_draws]`, row-major.
    effects: Vec<f64>,
}

impl Draws {
    fn of(
        record: &PromptRecord,
        traced: &TracedPrompt,
        grid: &EffectGrid,
        direction: Direction,
    ) -> Result<Draws, FigureError> {
        let (n_draws, corrupted) = (grid.n_samples(), &traced.corrupted_samples);
        let sites = record.tokens.len() * grid.n_layers;
        if n_draws < 2 || corrupted.len() != n_draws || grid.samples.len() != sites * n_draws {
            return Err(FigureError::Samples {
                id: record.fact.known_id,
                component: grid.component,
                patched: n_draws,
                corrupted: corrupted.len(),
            });
        }
        let effect = |(patched, corrupted): (&f32, &f32)| match direction {
            Direction::Denoise => f64::from(*patched) - f64::from(*corrupted),
            Direction::Noise => f64::from(*patched) - traced.clean,
        };
        let effects = grid.samples.iter().zip(corrupted.iter().cycle()).map(effect).collect();
        Ok(Draws { n_layers: grid.n_layers, n_draws, effects })
    }

    fn means(&self) -> Vec<f64> {
        self.effects.chunks(self.n_draws).map(mean).collect()
    }

    fn deviations(&self) -> Vec<f64> {
        let deviation = |effects: &[f64]| {
            let mean = mean(effects);
            let squares: f64 = effects.iter().map(|effect| (effect - mean).powi(2)).sum();
            (squares / (effects.len() - 1) as f64).sqrt()
        };
        self.effects.chunks(self.n_draws).map(deviation).collect()
    }

    /// Every draw over the layers, and their mean, at the token with the largest mean.
    fn lines(&self, record: &PromptRecord, means: &[f64], direction: Direction, layer_axis: String) -> Panel {
        let strength = |at: usize| causal_trace_core::effect::strength(direction, means[at]);
        let strongest =
            (0..means.len()).reduce(|best, at| if strength(at) > strength(best) { at } else { best });
        let token = strongest.unwrap_or(0) / self.n_layers;
        let first = token * self.n_layers;
        let draw = |draw: usize| Series {
            name: (draw == 0).then(|| "one draw".to_owned()),
            values: (first..first + self.n_layers).map(|at| self.effects[at * self.n_draws + draw]).collect(),
            band: None,
            stroke: Stroke::Faint,
        };
        let mean = Series {
            name: Some(format!("mean of {} draws", self.n_draws)),
            values: means[first..first + self.n_layers].to_vec(),
            band: None,
            stroke: MEAN,
        };
        let series = (0..self.n_draws).map(draw).chain([mean]).collect();
        let measure = Measure::IndirectEffect.with_unit("");
        let title = format!(
            "draws at \"{}\" (token {token}), where the mean is largest",
            visible(&record.tokens[token])
        );
        let content = Content::Lines(Lines {
            n_layers: self.n_layers,
            series,
            low: 0.0,
            high: 0.0,
            measure,
            layer_axis,
        });
        Panel { title, content }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
