//! The sites that averages are told by: the early one, the late one, the last one.

use causal_trace_core::{Component, Direction, Metric, Role, Window, effect};
use serde::Serialize;

use super::ComponentSummary;
use super::view::View;

/// A role and a layer, and the averages there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SiteOfRole {
    /// The role.
    pub role: Role,
    /// The layer, or the centre of the window.
    pub layer: usize,
    /// The average indirect effect.
    pub effect: f64,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// The standard deviation over tokens.
    pub sd: f64,
    /// The share of the prompts whose effect goes in the wrong direction there.
    pub wrong_direction_share: f64,
}

/// What the averages of one component are read with.
#[derive(Debug, Clone, Copy)]
pub struct Landmarks<'a> {
    component: Component,
    summary: &'a ComponentSummary,
    direction: Direction,
    metric: Metric,
}

impl<'a> Landmarks<'a> {
    /// Reads the averages of a component, of a summary with that direction and metric.
    #[must_use]
    pub fn of(
        component: Component,
        summary: &'a ComponentSummary,
        direction: Direction,
        metric: Metric,
    ) -> Self {
        Landmarks { component, summary, direction, metric }
    }

    /// The layer at which the last subject token's average effect is strongest in the expected direction.
    #[must_use]
    pub fn early_site(self) -> Option<SiteOfRole> {
        self.strongest_of(Role::LastSubject)
    }

    /// The same for the prompt's last token, where layers at which the whole effect returns whatever the model does
    /// are left out, see [`View::late_layers`].
    #[must_use]
    pub fn late_site(self) -> Option<SiteOfRole> {
        self.strongest_of(Role::Last)
    }

    /// The strongest of all roles, with the same layers left out.
    #[must_use]
    pub fn strongest_site(self) -> Option<SiteOfRole> {
        self.stronger(Role::ALL.into_iter().filter_map(|role| self.strongest_of(role)))
    }

    /// The strongest layer of a role; of the last token's, those that say something.
    #[must_use]
    pub fn strongest_of(self, role: Role) -> Option<SiteOfRole> {
        let n_layers = self.summary.layers;
        let layers = if role == Role::Last { self.view().late_layers(n_layers) } else { 0..n_layers };
        let sites = layers.map(|layer| self.site(role, layer));
        self.stronger(sites.filter(|site| site.effect.is_finite()))
    }

    /// The last token's last layer: the site at which the whole effect returns, in a residual grid.
    #[must_use]
    pub fn final_site(self) -> Option<SiteOfRole> {
        let site = self.site(Role::Last, self.summary.layers.checked_sub(1)?);
        site.effect.is_finite().then_some(site)
    }

    fn site(self, role: Role, layer: usize) -> SiteOfRole {
        let row = role as usize;
        let ComponentSummary { average_indirect_effect, ci95_low, ci95_high, .. } = self.summary;
        SiteOfRole {
            role,
            layer,
            effect: average_indirect_effect[row][layer],
            ci95: [ci95_low[row][layer], ci95_high[row][layer]],
            sd: self.summary.sd_indirect_effect[row][layer],
            wrong_direction_share: self.summary.wrong_direction_share[row][layer],
        }
    }

    /// The first of equals.
    fn stronger(self, sites: impl Iterator<Item = SiteOfRole>) -> Option<SiteOfRole> {
        let strength = |site: &SiteOfRole| effect::strength(self.direction, self.metric, site.effect);
        sites.reduce(|best, next| if strength(&next) > strength(&best) { next } else { best })
    }

    fn view(self) -> View {
        let window = Window { width: self.summary.window };
        View { component: self.component, metric: self.metric, direction: self.direction, window }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::examples::{manifest, record};
    use crate::statistics::{Summariser, SummaryOptions};

    fn summary() -> ComponentSummary {
        let rows: [&[f64]; 4] = [&[0.1, 0.2, 0.0], &[0.3, 0.6, 0.0], &[0.0, -0.1, 0.0], &[0.0, 0.4, 0.8]];
        let wrong: [&[f64]; 4] = [&[0.1, 0.2, 0.0], &[0.3, 0.2, 0.0], &[0.0, 0.1, 0.0], &[0.0, 0.2, -0.1]];
        let mut summariser = Summariser::new(&manifest(3), SummaryOptions::default());
        summariser.add(&record(1, 0..2, (0.9, 0.1), &rows)).unwrap();
        summariser.add(&record(2, 0..2, (0.3, 0.4), &wrong)).unwrap();
        summariser.finish().unwrap().components.remove(&Component::Residual).unwrap()
    }

    #[test]
    fn early_and_late_site_are_the_strongest_that_say_something() {
        let summary = summary();
        let of = |direction| Landmarks::of(Component::Residual, &summary, direction, Metric::Probability);
        let sites = of(Direction::Denoise);
        let early = sites.early_site().unwrap();
        assert_eq!((early.role, early.layer, early.effect), (Role::LastSubject, 1, 0.4));
        assert!(early.ci95[0] <= 0.4 && early.ci95[1] >= 0.4 && early.wrong_direction_share == 0.0);
        let late = sites.late_site().unwrap();
        assert_eq!(late.layer, 1, "the last layer returns everything");
        assert!((late.effect - 0.3).abs() < 1e-12);
        assert_eq!(sites.strongest_site(), Some(early));
        let last = sites.final_site().unwrap();
        assert_eq!((last.layer, last.wrong_direction_share), (2, 0.5));
        let middle = sites.strongest_of(Role::MiddleSubject);
        assert_eq!(middle, None, "no token has the role");
        // When noising, the most negative is the strongest.
        assert_eq!(of(Direction::Noise).strongest_of(Role::FirstSubsequent).unwrap().layer, 0);
        assert_eq!(of(Direction::Noise).early_site().unwrap().layer, 2);
    }
}
