//! Which of a record's grids a statistic looks at, and the strongest sites in it.

use std::ops::Range;

use causal_trace_core::{Component, Direction, Metric, Window, effect};

use crate::{EffectGrid, Manifest, PromptRecord, TracedPrompt};

/// One component in one metric, and what is needed to read its effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Which component was patched.
    pub component: Component,
    /// What was measured.
    pub metric: Metric,
    /// Which run was patched.
    pub direction: Direction,
    /// How many layers of the component were patched at once.
    pub window: Window,
}

/// The strongest site among some.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrongestSite {
    /// Its token, from 0.
    pub token: usize,
    /// Its layer, or the centre of its window, from 0.
    pub layer: usize,
    /// Its indirect effect counted in the expected direction, see [`effect::strength`].
    pub strength: f64,
}

impl View {
    /// A component in a metric, in the folder of a manifest.
    #[must_use]
    pub fn of(manifest: &Manifest, component: Component, metric: Metric) -> Self {
        let settings = &manifest.settings;
        View { component, metric, direction: settings.direction, window: settings.window_of(component) }
    }

    /// The layers that say something about the prompt's last token. Where a residual state of the last layer is patched
    /// at the last token, the whole total effect returns whatever the model does, so those are left out.
    #[must_use]
    pub fn late_layers(self, n_layers: usize) -> Range<usize> {
        let is_trivial =
            !matches!(self.component, Component::Mlp | Component::Attention | Component::ResidPre);
        let reaches_the_last = |&layer: &usize| self.window.layers(layer, n_layers).end == n_layers;
        let end = (0..n_layers).find(reaches_the_last).filter(|_| is_trivial);
        0..end.unwrap_or(n_layers)
    }

    /// The total effect counted in the expected direction: positive where the corruption takes the answer away.
    #[must_use]
    pub fn total_strength(self, traced: &TracedPrompt) -> Option<f64> {
        let total = traced.total_effect_in(self.metric)?;
        Some(effect::strength(Direction::Denoise, self.metric, total))
    }

    /// The strongest site of a record among some tokens (the first of equals), those of the last token in its
    /// [`late_layers`](Self::late_layers) only; none where there is no such site or grid.
    #[must_use]
    pub fn strongest(self, record: &PromptRecord, tokens: Range<usize>) -> Option<StrongestSite> {
        let grid = self.grid(record)?;
        let n_tokens = grid.n_tokens();
        let layers = |token| {
            if token + 1 == n_tokens { self.late_layers(grid.n_layers) } else { 0..grid.n_layers }
        };
        let sites = tokens
            .filter(|&token| token < n_tokens)
            .flat_map(|token| layers(token).map(move |it| (token, it)));
        let strengths = sites.map(|(token, layer)| {
            let indirect_effect = grid.indirect_effect[token * grid.n_layers + layer];
            StrongestSite { token, layer, strength: self.strength(indirect_effect) }
        });
        strengths.reduce(|best, next| if next.strength > best.strength { next } else { best })
    }

    /// An effect counted in the expected direction.
    #[must_use]
    pub fn strength(self, indirect_effect: f64) -> f64 {
        effect::strength(self.direction, self.metric, indirect_effect)
    }

    /// The grid of a record, where it was traced and the grid has a number for each of its tokens and layers.
    pub(super) fn grid(self, record: &PromptRecord) -> Option<&EffectGrid> {
        let grid = record.traced()?.grid_in(self.component, self.metric)?;
        let n_sites = record.tokens.len() * grid.n_layers;
        (grid.n_layers > 0 && grid.indirect_effect.len() == n_sites && grid.patched.len() == n_sites)
            .then_some(grid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::examples::{record, view};

    #[test]
    fn the_last_token_is_looked_at_where_it_says_something() {
        let residual = view(Component::Residual);
        assert_eq!(residual.late_layers(5), 0..4);
        assert_eq!(View { window: Window { width: 3 }, ..residual }.late_layers(5), 0..3);
        assert_eq!(view(Component::MlpSevered).late_layers(5), 0..4);
        assert_eq!(View { window: Window { width: 10 }, ..view(Component::Mlp) }.late_layers(5), 0..5);
        assert_eq!(view(Component::ResidPre).late_layers(5), 0..5);
        assert!(residual.late_layers(1).is_empty());
    }

    #[test]
    fn the_strongest_site_is_the_first_of_equals() {
        let record = record(1, 0..1, (0.9, 0.1), &[&[0.2, 0.3], &[0.3, 0.1], &[0.1, 0.8]]);
        let view = view(Component::Residual);
        let found = view.strongest(&record, 0..3).unwrap();
        assert_eq!((found.token, found.layer, found.strength), (0, 1, 0.3));
        let late = view.strongest(&record, 2..3).unwrap();
        assert_eq!((late.token, late.layer), (2, 0), "the last layer of the last token is left out");
        assert_eq!(view.strongest(&record, 3..5), None);
        let noising = View { direction: Direction::Noise, ..view };
        assert_eq!(noising.strongest(&record, 1..2).unwrap().strength, -0.1);
        assert_eq!(noising.total_strength(record.traced().unwrap()), Some(0.8));
    }
}
