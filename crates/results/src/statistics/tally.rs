//! What is counted and summed for one component while records come in, and the averages made of it.

use causal_trace_core::{Component, Direction, Role, RoleConvention, TokenSpan, Window, effect};

use super::ComponentSummary;
use super::bootstrap::{Interval, PromptSums};
use crate::{EffectGrid, TracedPrompt};

/// One component's sums.
#[derive(Debug)]
pub(super) struct ComponentTally {
    pub(super) component: Component,
    pub(super) n_layers: usize,
    roles: [RoleTally; 6],
    peaks: Vec<Vec<usize>>,
    without_peak: usize,
}

/// The sums of one role's tokens.
#[derive(Debug)]
struct RoleTally {
    effects: Moments,
    improvements: Moments,
    prompt_sums: PromptSums,
    wrong_direction: Vec<usize>,
    peaks: Vec<usize>,
    error_sums: Vec<f64>,
    error_count: usize,
}

/// Where a prompt's tokens lie, and what its roles are.
#[derive(Debug, Clone, Copy)]
pub(super) struct PromptRoles {
    pub(super) convention: RoleConvention,
    pub(super) subject: Option<TokenSpan>,
    pub(super) n_tokens: usize,
}

impl PromptRoles {
    fn of_token(self, token: usize) -> impl Iterator<Item = Role> {
        let Self { convention, n_tokens, .. } = self;
        self.subject.into_iter().flat_map(move |subject| convention.roles(subject, n_tokens, token))
    }
}

impl ComponentTally {
    pub(super) fn new(component: Component, n_layers: usize) -> Self {
        ComponentTally {
            component,
            n_layers,
            roles: std::array::from_fn(|_| RoleTally::new(n_layers)),
            peaks: vec![vec![0; n_layers]; Role::ALL.len()],
            without_peak: 0,
        }
    }

    /// Adds the grid of the prompt with that place among all prompts.
    pub(super) fn add(
        &mut self,
        prompt: usize,
        traced: &TracedPrompt,
        grid: &EffectGrid,
        roles: PromptRoles,
        direction: Direction,
    ) {
        for (role, tally) in Role::ALL.into_iter().zip(&mut self.roles) {
            let has_role = |&token: &usize| roles.of_token(token).any(|other| other == role);
            let tokens: Vec<usize> = (0..roles.n_tokens).filter(has_role).collect();
            if !tokens.is_empty() {
                tally.add(prompt, traced, grid, &tokens, direction);
            }
        }
        match peak(grid, roles, direction) {
            Some((role, layer)) => self.peaks[role as usize][layer] += 1,
            None => self.without_peak += 1,
        }
    }

    /// The tables whose intervals the summary needs, one for each role.
    pub(super) fn prompt_sums(&self) -> impl Iterator<Item = &PromptSums> {
        self.roles.iter().map(|role| &role.prompt_sums)
    }

    /// `intervals` belong to [`Self::prompt_sums`].
    pub(super) fn summary(self, window: Window, intervals: &[Interval]) -> ComponentSummary {
        let table = |number: &dyn Fn(&RoleTally) -> Vec<f64>| self.roles.iter().map(number).collect();
        ComponentSummary {
            layers: self.n_layers,
            window: window.width,
            roles: Role::ALL.map(Role::name),
            counts: self.roles.each_ref().map(|role| role.effects.count),
            prompt_counts: self.roles.each_ref().map(|role| role.prompt_sums.n_prompts()),
            average_indirect_effect: table(&|role| role.effects.averages()),
            sd_indirect_effect: table(&|role| role.effects.deviations()),
            average_percent_improvement: table(&|role| role.improvements.averages()),
            sd_percent_improvement: table(&|role| role.improvements.deviations()),
            wrong_direction_share: table(&RoleTally::wrong_direction_share),
            ci95_low: intervals.iter().map(|interval| interval.low.clone()).collect(),
            ci95_high: intervals.iter().map(|interval| interval.high.clone()).collect(),
            noise_error: table(&RoleTally::noise_error),
            role_peaks: self.roles.iter().map(|role| role.peaks.clone()).collect(),
            peaks: self.peaks,
            without_peak: self.without_peak,
        }
    }
}

/// The token and layer of the largest effect in the expected direction among some tokens; the first of equals, token
/// by token.
fn largest(
    grid: &EffectGrid,
    tokens: impl Iterator<Item = usize>,
    direction: Direction,
) -> Option<(usize, usize)> {
    let mut strongest = 0.0;
    let mut found = None;
    for token in tokens {
        for (layer, &effect) in
            grid.indirect_effect[token * grid.n_layers..][..grid.n_layers].iter().enumerate()
        {
            let strength = effect::strength(direction, grid.metric, effect);
            if strength > strongest {
                (strongest, found) = (strength, Some((token, layer)));
            }
        }
    }
    found
}

/// The role and layer of a prompt's largest effect in the expected direction.
fn peak(grid: &EffectGrid, roles: PromptRoles, direction: Direction) -> Option<(Role, usize)> {
    let with_a_role = (0..roles.n_tokens).filter(|&token| roles.of_token(token).next().is_some());
    let (token, layer) = largest(grid, with_a_role, direction)?;
    Some((roles.of_token(token).last()?, layer))
}

impl RoleTally {
    fn new(n_layers: usize) -> Self {
        RoleTally {
            effects: Moments::new(n_layers),
            improvements: Moments::new(n_layers),
            prompt_sums: PromptSums::new(n_layers),
            wrong_direction: vec![0; n_layers],
            peaks: vec![0; n_layers],
            error_sums: vec![0.0; n_layers],
            error_count: 0,
        }
    }

    fn add(
        &mut self,
        prompt: usize,
        traced: &TracedPrompt,
        grid: &EffectGrid,
        tokens: &[usize],
        direction: Direction,
    ) {
        let n_layers = grid.n_layers;
        let mut sums = vec![0.0; n_layers];
        for &token in tokens {
            let effects = &grid.indirect_effect[token * n_layers..][..n_layers];
            self.effects.add(effects);
            self.improvements.add(&grid.percent_improvement[token * n_layers..][..n_layers]);
            add_to(&mut sums, effects);
            if let Some(errors) = noise_errors(traced, grid, token, direction) {
                add_to(&mut self.error_sums, &errors);
                self.error_count += 1;
            }
        }
        for (wrong, &sum) in self.wrong_direction.iter_mut().zip(&sums) {
            *wrong += usize::from(effect::strength(direction, grid.metric, sum) < 0.0);
        }
        if let Some((_, layer)) = largest(grid, tokens.iter().copied(), direction) {
            self.peaks[layer] += 1;
        }
        self.prompt_sums.push(prompt, tokens.len(), &sums);
    }

    fn wrong_direction_share(&self) -> Vec<f64> {
        let n_prompts = self.prompt_sums.n_prompts() as f64;
        self.wrong_direction.iter().map(|&wrong| wrong as f64 / n_prompts).collect()
    }

    fn noise_error(&self) -> Vec<f64> {
        self.error_sums.iter().map(|sum| sum / self.error_count as f64).collect()
    }
}

/// The standard error of a token's IE in each layer, where there are samples to tell.
fn noise_errors(
    traced: &TracedPrompt,
    grid: &EffectGrid,
    token: usize,
    direction: Direction,
) -> Option<Vec<f64>> {
    let corrupted = traced.corrupted_samples_in(grid.metric)?;
    if corrupted.len() != grid.n_samples() {
        return None;
    }
    (0..grid.n_layers)
        .map(|layer| effect::indirect_effect_error(direction, corrupted, grid.samples_at(token, layer)))
        .collect()
}

/// Mean and deviation of some rows, column by column.
///
/// The deviation follows Welford (1962): no difference of two large sums of squares.
#[derive(Debug)]
struct Moments {
    count: usize,
    sums: Vec<f64>,
    running_means: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn new(n_columns: usize) -> Self {
        let zeros = vec![0.0; n_columns];
        Moments { count: 0, sums: zeros.clone(), running_means: zeros.clone(), squares: zeros }
    }

    fn add(&mut self, row: &[f64]) {
        self.count += 1;
        add_to(&mut self.sums, row);
        let columns = self.running_means.iter_mut().zip(&mut self.squares);
        for ((mean, squares), value) in columns.zip(row) {
            let before = value - *mean;
            *mean += before / self.count as f64;
            *squares += before * (value - *mean);
        }
    }

    /// From the plain sums, so that the average of one prompt is its bootstrap average to the bit.
    fn averages(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.count as f64).collect()
    }

    fn deviations(&self) -> Vec<f64> {
        if self.count < 2 {
            return vec![f64::NAN; self.squares.len()];
        }
        self.squares.iter().map(|squares| (squares / (self.count - 1) as f64).sqrt()).collect()
    }
}

fn add_to(sums: &mut [f64], row: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_survive_a_large_offset() {
        let mut moments = Moments::new(1);
        for value in [1e9 + 1.0, 1e9 + 2.0, 1e9 + 4.0] {
            moments.add(&[value]);
        }
        assert!((moments.deviations()[0] - (7.0f64 / 3.0).sqrt()).abs() < 1e-6);
    }

    #[test]
    fn too_few_values_have_no_number() {
        let mut moments = Moments::new(1);
        assert!(moments.averages()[0].is_nan());
        moments.add(&[2.0]);
        assert_eq!(moments.averages(), [2.0]);
        assert!(moments.deviations()[0].is_nan());
    }
}
