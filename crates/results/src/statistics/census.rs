//! Prompts classed by where their effect peaks.
//!
//! The rule, for one component and metric. All effects are counted in the expected direction, so that the same rule
//! holds for noising and for metrics that fall as the answer comes back.
//!
//! 1. A total effect of 0 or in the wrong direction: [`PeakClass::None`].
//! 2. Let E be the strongest site among the subject's tokens, in any layer. If it brings back at least the threshold's
//!    share of the total effect, its token names the class: the subject's last token, its second-to-last, or another
//!    one. (A subject of one token has a last token only.)
//! 3. Else, if a site at the prompt's last token brings back as much, it is a [`PeakClass::LateSite`]. Sites at which
//!    the whole effect returns whatever the model does are left out, see [`View::late_layers`].
//! 4. Else [`PeakClass::None`].

use serde::Serialize;

use super::view::{StrongestSite, View};
use crate::PromptRecord;

/// Where a prompt's effect peaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeakClass {
    /// At the subject's last token.
    LastSubject,
    /// At the subject's second-to-last token.
    SecondToLastSubject,
    /// At another token of the subject.
    OtherSubject,
    /// At the prompt's last token, and not at the subject.
    LateSite,
    /// Nowhere, or the corruption does not take the answer away.
    None,
}

impl PeakClass {
    /// All classes, in the order in which they are reported.
    pub const ALL: [PeakClass; 5] = [
        PeakClass::LastSubject,
        PeakClass::SecondToLastSubject,
        PeakClass::OtherSubject,
        PeakClass::LateSite,
        PeakClass::None,
    ];

    /// The data's name, as in `last_subject`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PeakClass::LastSubject => "last_subject",
            PeakClass::SecondToLastSubject => "second_to_last_subject",
            PeakClass::OtherSubject => "other_subject",
            PeakClass::LateSite => "late_site",
            PeakClass::None => "none",
        }
    }

    /// What figures and tables call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            PeakClass::LastSubject => "last subject token",
            PeakClass::SecondToLastSubject => "second-to-last subject token",
            PeakClass::OtherSubject => "other subject token",
            PeakClass::LateSite => "late site",
            PeakClass::None => "no peak",
        }
    }
}

/// What is classed, and how much of the total effect a peak must bring back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CensusOptions {
    /// Which grids.
    pub view: View,
    /// A share of the total effect, above 0; usually [`CensusOptions::HALF`].
    pub threshold: f64,
}

impl CensusOptions {
    /// Half of the total effect.
    pub const HALF: f64 = 0.5;
}

/// A prompt and its class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Classified {
    /// The fact's id.
    pub id: i64,
    /// Its class.
    pub class: PeakClass,
    /// The share of the total effect that the site below brings back; `NaN` where the total effect is not in the
    /// expected direction.
    pub share_of_total: f64,
    /// The token of the site that decided: the late site's, else the strongest of the subject's.
    pub token: usize,
    /// Its layer.
    pub layer: usize,
}

/// Classes a prompt; none where it was not traced, has no subject, or its grid is not there.
#[must_use]
pub fn classify(record: &PromptRecord, options: &CensusOptions) -> Option<Classified> {
    let CensusOptions { view, threshold } = *options;
    let subject = record.subject?;
    let total = view.total_strength(record.traced()?)?;
    let strongest = view.strongest(record, subject.range())?;
    let classified = |class, site: StrongestSite| Classified {
        id: record.fact.known_id,
        class,
        share_of_total: if total > 0.0 { site.strength / total } else { f64::NAN },
        token: site.token,
        layer: site.layer,
    };
    let is_peak = |site: &StrongestSite| total > 0.0 && site.strength >= threshold * total;
    if is_peak(&strongest) {
        let class = match subject.end - strongest.token {
            1 => PeakClass::LastSubject,
            2 => PeakClass::SecondToLastSubject,
            _ => PeakClass::OtherSubject,
        };
        return Some(classified(class, strongest));
    }
    let last = record.tokens.len() - 1;
    let late = view.strongest(record, last..last + 1).filter(is_peak);
    Some(
        late.map_or_else(
            || classified(PeakClass::None, strongest),
            |site| classified(PeakClass::LateSite, site),
        ),
    )
}

/// The classes of many prompts.
#[derive(Debug, Clone)]
pub struct Census {
    /// What was classed.
    pub options: CensusOptions,
    /// How many prompts are in each class, in the order of [`PeakClass::ALL`].
    pub counts: [usize; 5],
    /// Every prompt, in the order in which they came.
    pub members: Vec<Classified>,
}

impl Census {
    /// Nobody counted yet.
    #[must_use]
    pub fn new(options: CensusOptions) -> Self {
        Census { options, counts: [0; 5], members: Vec::new() }
    }

    /// Adds a prompt, and says what it is; see [`classify`] for those that are passed over.
    pub fn add(&mut self, record: &PromptRecord) -> Option<Classified> {
        let classified = classify(record, &self.options)?;
        self.counts[classified.class as usize] += 1;
        self.members.push(classified);
        Some(classified)
    }

    /// The share of the prompts that are in a class; `NaN` for no prompts.
    #[must_use]
    pub fn share(&self, class: PeakClass) -> f64 {
        self.counts[class as usize] as f64 / self.members.len() as f64
    }

    /// The prompts of a class.
    pub fn of_class(&self, class: PeakClass) -> impl Iterator<Item = &Classified> {
        self.members.iter().filter(move |member| member.class == class)
    }
}

#[cfg(test)]
mod tests {
    use causal_trace_core::{Component, Direction, Metric};

    use super::*;
    use crate::statistics::examples::{record, view};
    use crate::{Outcome, Skip, SkipReason};

    fn options() -> CensusOptions {
        CensusOptions { view: view(Component::Residual), threshold: CensusOptions::HALF }
    }

    /// A total effect of 0.8, and these effects at three subject tokens and at the prompt's last token.
    fn class(effects: [[f64; 2]; 4]) -> PeakClass {
        let rows: Vec<&[f64]> = effects.iter().map(|row| &row[..]).collect();
        let record = record(1, 0..3, (0.9, 0.1), &rows);
        classify(&record, &options()).unwrap().class
    }

    #[test]
    fn the_strongest_subject_token_names_the_class() {
        let none = [0.0, 0.0];
        let rest = [0.0, 0.8];
        assert_eq!(class([none, none, [0.0, 0.41], rest]), PeakClass::LastSubject);
        assert_eq!(class([none, [0.5, 0.0], [0.0, 0.41], rest]), PeakClass::SecondToLastSubject);
        assert_eq!(class([[0.7, 0.0], [0.5, 0.0], none, rest]), PeakClass::OtherSubject);
        assert_eq!(class([none, none, [0.39, 0.0], rest]), PeakClass::None, "less than half");
        assert_eq!(class([none, none, [0.39, 0.0], [0.4, 0.8]]), PeakClass::LateSite);
        assert_eq!(
            class([none, none, [0.39, 0.0], [0.39, 0.8]]),
            PeakClass::None,
            "the last layer is trivial"
        );
        assert_eq!(
            class([none, none, [0.4, 0.0], [0.7, 0.8]]),
            PeakClass::LastSubject,
            "the subject comes first"
        );
    }

    #[test]
    fn a_subject_of_one_token_has_a_last_one_only() {
        let record = record(4, 1..2, (0.9, 0.1), &[&[0.0], &[0.5], &[0.1]]);
        let found = classify(&record, &options()).unwrap();
        assert_eq!((found.class, found.id, found.token, found.layer), (PeakClass::LastSubject, 4, 1, 0));
        assert!((found.share_of_total - 0.625).abs() < 1e-12);
    }

    #[test]
    fn without_a_total_effect_there_is_no_peak() {
        let record = record(1, 0..1, (0.1, 0.4), &[&[0.3], &[0.3], &[0.3]]);
        let found = classify(&record, &options()).unwrap();
        assert!(found.class == PeakClass::None && found.share_of_total.is_nan());
    }

    #[test]
    fn noising_is_the_same_with_the_sign_turned() {
        let mut options = options();
        options.view.direction = Direction::Noise;
        let record = |effect| record(1, 0..1, (0.9, 0.1), &[&[effect], &[0.0], &[-0.8]]);
        assert_eq!(classify(&record(-0.5), &options).unwrap().class, PeakClass::LastSubject);
        assert_eq!(classify(&record(0.5), &options).unwrap().class, PeakClass::None);
    }

    #[test]
    fn a_distance_that_shrinks_is_an_effect() {
        let mut record = record(1, 0..1, (0.9, 0.1), &[&[-2.0], &[0.0], &[-3.0]]);
        let Outcome::Traced(traced) = &mut record.outcome else { unreachable!() };
        traced.grids[0].metric = Metric::KlDivergence;
        let (metric, clean, corrupted) = (Metric::KlDivergence, 0.0, 3.0);
        traced.others.push(crate::OtherMetric { metric, clean, corrupted, corrupted_samples: Vec::new() });
        let mut options = options();
        assert_eq!(classify(&record, &options), None, "no grid of the probability");
        options.view.metric = metric;
        assert_eq!(classify(&record, &options).unwrap().class, PeakClass::LastSubject);
    }

    #[test]
    fn a_census_counts_who_can_be_classed() {
        let mut census = Census::new(options());
        let peak = record(1, 0..1, (0.9, 0.1), &[&[0.5], &[0.0], &[0.8]]);
        let flat = record(2, 0..1, (0.9, 0.1), &[&[0.1], &[0.0], &[0.8]]);
        let mut other = peak.clone();
        other.subject = None;
        let mut skipped = peak.clone();
        skipped.outcome = Outcome::Skipped(Skip { reason: SkipReason::TooLong, detail: String::new() });
        for record in [&peak, &flat, &other, &skipped] {
            census.add(record);
        }
        assert_eq!(census.counts, [1, 0, 0, 0, 1]);
        assert_eq!(census.share(PeakClass::None), 0.5);
        assert_eq!(census.of_class(PeakClass::LastSubject).map(|member| member.id).collect::<Vec<_>>(), [1]);
    }
}
