//! One prompt, many noise draws: how much an effect depends on the noise.

use causal_trace_core::{Component, Direction, Method, Metric, effect};
use causal_trace_results::statistics::{View, draw_spread};
use causal_trace_results::{EffectGrid, Manifest, PromptRecord, TracedPrompt};

use super::limits::share_limits;
use super::prompt::{expected_sign, grids, map, runs, traced};
use super::scatter::{Cloud, correlation, scatter};
use super::{Measure, checked, metric_suffix};
use crate::label::visible;
use crate::{
    ColorScale, Content, Figure, FigureError, Lines, Panel, Provenance, Series, Stroke, Width, words,
};

/// The look of the mean's line.
const MEAN: Stroke = Stroke::Distinct(2);

/// For each component the indirect effect's mean and standard deviation over noise draws, and every draw's effect at
/// the token with the largest mean, and beside the draw's total effect; with the stem of its file, as in
/// `repeated-12-residual`.
///
/// # Errors
/// A fact that was not traced, or not in this metric, that has fewer than two samples, or whose grids do not fit its
/// tokens.
pub fn repeated(
    manifest: &Manifest,
    record: &PromptRecord,
    metric: Metric,
) -> Result<Vec<(String, Figure)>, FigureError> {
    let traced = traced(record)?;
    let (id, of) = (record.fact.known_id, metric_suffix(metric));
    let stem = |component: Component| format!("repeated-{id}-{component}{of}");
    grids(record, metric)?
        .into_iter()
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
    let sign = expected_sign(manifest, grid);
    let mean_scale = ColorScale::sequential(grid.component, sign, &means);
    let deviation_scale = ColorScale::sequential(grid.component, 1.0, &deviations);
    let measure = Measure::IndirectEffect;
    let panel = |title: &str, values, scale, before| -> Result<Panel, FigureError> {
        let map = map(manifest, record, grid, values, scale, measure.with_unit(before, grid.metric))?;
        Ok(Panel { title: title.to_owned(), content: Content::Map(map) })
    };
    let mut panels = vec![
        panel("mean over draws", means.clone(), mean_scale, "")?,
        panel("standard deviation over draws (n − 1)", deviations, deviation_scale, "SD of ")?,
    ];
    let window = manifest.settings.window_of(grid.component).width;
    panels.push(draws.lines(record, grid.metric, &means, sign, words::layer_axis(window)));
    share_limits(&mut panels);
    let view = View::of(manifest, grid.component, grid.metric);
    panels.extend(against_total(record, view));
    checked(figure(manifest, record, grid, &draws, panels)?)
}

/// Every draw's effect at the strongest site that says something, beside its total effect.
fn against_total(record: &PromptRecord, view: View) -> Option<Panel> {
    let spread = draw_spread(record, view, 0..record.tokens.len())?;
    // As the effects are defined, not counted in the expected direction.
    let total = effect::strength(Direction::Denoise, view.metric, 1.0);
    let indirect = view.strength(1.0);
    let points = spread.total_effects.iter().zip(&spread.indirect_effects);
    let points = points.map(|(of_total, of_site)| (total * of_total, indirect * of_site)).collect();
    let token = visible(&record.tokens[spread.token]);
    let title = format!("draws at \"{token}\", layer {}: {}", spread.layer, correlation(spread.correlation));
    let unit = words::in_brackets(view.metric);
    let axes =
        [format!("total effect of the draw ({unit})"), Measure::IndirectEffect.with_unit("", view.metric)];
    Some(scatter(title, axes, vec![Cloud { name: None, points, stroke: MEAN }]))
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
        "fact {}; IE of a draw: {} with the patch minus without, under the same noise; r: Pearson's correlation over \
         the draws, at the strongest site other than those of the last token where the whole effect returns; *: subject",
        record.fact.known_id,
        words::quantity(grid.metric)
    );
    Ok(Figure {
        title: format!(
            "One prompt, {} {}: indirect effect of {patching}{}",
            draws.n_draws,
            drawn(manifest),
            words::on(grid.metric)
        ),
        subtitle: format!("{}, {}", runs(record, grid.metric)?, manifest.model.name),
        width: Width::Page,
        columns: 2,
        panels,
        small_print: vec![note],
        provenance: vec![Provenance::of(manifest, 1)],
    })
}

/// What was drawn several times; imported cases do not say.
fn drawn(manifest: &Manifest) -> &'static str {
    match manifest.settings.corruption.as_ref().map(|corruption| &corruption.method) {
        None | Some(Method::Noise { .. }) => "noise draws",
        Some(_) => "draws",
    }
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
        let n_draws = grid.n_samples();
        let corrupted = traced.corrupted_samples_in(grid.metric).unwrap_or(&[]);
        let clean = traced.baseline_in(grid.metric).map_or(f64::NAN, |(clean, _)| clean);
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
            Direction::Noise => f64::from(*patched) - clean,
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
    fn lines(
        &self,
        record: &PromptRecord,
        metric: Metric,
        means: &[f64],
        sign: f64,
        layer_axis: String,
    ) -> Panel {
        let strength = |at: usize| sign * means[at];
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
        let measure = Measure::IndirectEffect.with_unit("", metric);
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
