//! Averages over the prompts of a results folder, their deviations and intervals; which prompts to average; what single
//! prompts and pairs of prompts show.
//!
//! `docs/statistics.md` defines every number.

mod agreement;
mod aligned;
mod bootstrap;
mod calibration;
mod census;
mod compare;
mod correlation;
mod differences;
#[cfg(test)]
mod examples;
mod landmarks;
mod resample;
mod selection;
mod spread;
mod summariser;
mod summary;
mod tally;
mod view;

pub use agreement::{PeakAgreement, PeakComparison, map_correlation};
pub use aligned::{AlignedAverage, aligned_average};
pub use calibration::{
    CALIBRATION_DRAWS, Calibration, CalibrationPoint, ENOUGH, Estimate, FEWEST_FACTS, FactCurve,
    PLATEAU_TOLERANCE, ROME_MULTIPLE, Recommendation, Verdict,
};
pub use census::{Census, CensusOptions, Classified, PeakClass, classify};
pub use compare::common_ids;
pub use correlation::{pearson, spearman};
pub use differences::{
    DifferenceError, DifferenceSummary, GroupEffect, GroupSummary, differing_groups, group_effects,
};
pub use landmarks::{Landmarks, SiteOfRole};
pub use resample::{PairedDifference, RESAMPLES, percentile_interval, resampled};
pub use selection::{Candidate, ParseSelectionError, Selection, SelectionError};
pub use spread::{
    DeviationCorrelation, DrawSpread, PromptSize, Spread, TokensAndEffect, deviation_follows_average,
    draw_spread, tokens_and_effect,
};
pub use summariser::{StatisticsError, Summariser, SummaryOptions};
pub use summary::{ComponentSummary, RoleTable, Summary};
pub use view::{StrongestSite, View};
