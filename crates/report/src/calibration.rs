//! The calibration of a model's noise for people: what was found in words, and a page with the curves.

use causal_trace_results::statistics::{
    Calibration, CalibrationPoint, ENOUGH, Estimate, FEWEST_FACTS, PLATEAU_TOLERANCE, ROME_MULTIPLE,
    Recommendation, Verdict,
};

use crate::figures::calibration;
use crate::gallery::html;
use crate::layout::{Glyphs, lay_out};
use crate::svg::{escape, write_compact_svg};
use crate::{FigureError, Provenance};

/// A calibration, and what made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    /// The numbers.
    pub calibration: Calibration,
    /// The standard deviation of the subjects' embeddings.
    pub subject_deviation: f64,
    /// Which facts and answers, in a sentence.
    pub facts: String,
    /// What made it.
    pub provenance: Provenance,
}

/// A table's head and its rows, as texts.
pub type Table = (Vec<&'static str>, Vec<Vec<String>>);

impl Calibrated {
    /// What was found, a sentence each; the first says whether there is a plateau.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let found = &self.calibration;
        let mut findings = vec![verdict(found)];
        if let Some(multiple) = found.overshoot {
            findings.push(format!(
                "The curve overshoots: at {multiple} the total effect is larger than on the plateau, which more noise \
                 comes down to."
            ));
        }
        if let Some(recommendation) = &found.recommendation {
            findings.push(self.recommended(recommendation));
            findings.extend(beside_rome(recommendation));
        }
        findings
    }

    fn recommended(&self, recommendation: &Recommendation) -> String {
        let Recommendation { multiple, multiple_ci95: [low, high], share_of_plateau, .. } = recommendation;
        let range = if low == high {
            "the same in 95 % of the draws of facts".to_owned()
        } else {
            format!("{} to {} over draws of facts", trimmed(*low), trimmed(*high))
        };
        format!(
            "Recommended: --noise s{multiple} (a level of {}), the smallest multiple from which on all reach {:.0} % of \
             the plateau; it has {} ({range}).",
            number(multiple * self.subject_deviation),
            100.0 * ENOUGH,
            percent(*share_of_plateau)
        )
    }

    /// One row for each multiple.
    #[must_use]
    pub fn table(&self) -> Table {
        let head =
            vec!["k", "noise level", "total effect", "95 % interval", "mean p*", "changed", "of plateau"];
        let plateau = self.calibration.plateau();
        let row = |point: &CalibrationPoint| {
            let interval = point.total_effect_ci95.map_or_else(|| "-".to_owned(), interval);
            let share = |plateau: Estimate| format!("{:.0} %", 100.0 * point.total_effect / plateau.value);
            vec![
                point.multiple.to_string(),
                number(point.multiple * self.subject_deviation),
                number(point.total_effect),
                interval,
                number(point.corrupted),
                format!("{:.0} %", 100.0 * point.changed),
                plateau.map_or_else(|| "-".to_owned(), share),
            ]
        };
        (head, self.calibration.points.iter().map(row).collect())
    }

    /// A page that needs no other file and holds no script: findings, curves, table, and the command that made it.
    ///
    /// # Errors
    /// As the figure.
    pub fn page(&self, command: &str) -> Result<String, FigureError> {
        let title = format!("How much noise for {}?", self.provenance.model);
        let mut body = String::new();
        for finding in self.findings() {
            body.push_str(&format!("<p class=\"finding\">{}</p>\n", escape(&finding)));
        }
        let svg = write_compact_svg(&lay_out(&calibration(self)?, Glyphs::Any)?);
        body.push_str(&format!(
            "</header>\n<main>\n<figure class=\"wide\">\n{svg}</figure>\n{}</main>\n",
            self.html_table()
        ));
        let words = "k: noise in standard deviations of the subjects' embeddings; total effect: mean over facts of the \
                     answer's probability without noise, minus that with noise; p*: the probability with noise; changed: \
                     the share of samples in which another token is the most probable.";
        for text in [words, &self.facts, &format!("Made by: {command}")] {
            body.push_str(&format!("<p>{}</p>\n", escape(text)));
        }
        Ok(html::page(&title, &body))
    }

    fn html_table(&self) -> String {
        let (head, rows) = self.table();
        let cells = |tag: &str, texts: &mut dyn Iterator<Item = &str>| {
            let cells: String = texts.map(|text| format!("<{tag}>{}</{tag}>", escape(text))).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let rows: String = rows.iter().map(|row| cells("td", &mut row.iter().map(String::as_str))).collect();
        let head = cells("th", &mut head.into_iter());
        format!("<table>\n<thead>\n{head}</thead>\n<tbody>\n{rows}</tbody>\n</table>\n")
    }
}

/// Whether there is a plateau, and why not.
fn verdict(found: &Calibration) -> String {
    let (first, last) = (found.tail.first().unwrap_or(&0.0), found.tail.last().unwrap_or(&0.0));
    let tolerance = 100.0 * PLATEAU_TOLERANCE;
    let (Some(height), Some(growth)) = (found.tail_total_effect, found.tail_growth) else {
        return too_few(found);
    };
    let changes =
        format!("from {first} to {last} standard deviations the total effect changes by {}", with(growth));
    match found.verdict {
        Verdict::Plateau => format!(
            "Plateau: the total effect levels off at {}; {changes}, within {tolerance:.0} % of that.",
            with(height)
        ),
        Verdict::Rising => format!(
            "No plateau: {changes}, and still grows: give larger multiples (--multiples). Nothing is recommended."
        ),
        Verdict::Falling => format!(
            "No plateau: {changes}, and still falls: give larger multiples (--multiples). Nothing is recommended."
        ),
        Verdict::Uncertain => format!(
            "No plateau can be told: {changes}, which may be more than {tolerance:.0} % of the effect there, {}: take more \
             facts (--sample, --facts, --answers predicted) or larger multiples (--multiples). Nothing is recommended.",
            with(height)
        ),
        Verdict::NoEffect => format!(
            "No plateau: from {first} to {last} standard deviations the mean total effect is {}, not clearly above 0: noise \
             does not take these answers away. Nothing is recommended.",
            with(height)
        ),
        Verdict::TooFewMultiples => format!(
            "No judgement: give --multiples at least two numbers from half of the largest, {last}, on. Nothing is \
             recommended."
        ),
        Verdict::TooFewFacts => too_few(found),
    }
}

fn too_few(found: &Calibration) -> String {
    format!(
        "No judgement: intervals take {FEWEST_FACTS} facts at least (50 are better), and there are {}: raise --sample, give \
         more facts that the model knows (--facts), or take its own predictions as answers (--answers predicted).",
        found.facts
    )
}

/// How the recommended multiple compares with ROME's.
fn beside_rome(recommendation: &Recommendation) -> Option<String> {
    let (share, difference) = (recommendation.rome_share_of_plateau?, recommendation.rome_difference?);
    let multiple = recommendation.multiple;
    if multiple == ROME_MULTIPLE {
        return Some(format!("That is ROME's multiple, {ROME_MULTIPLE}, itself."));
    }
    let advice = if multiple > ROME_MULTIPLE {
        "s3 leaves more of these answers in place than stronger noise would"
    } else {
        "s3 is what published results use; weaker noise changes the embeddings less"
    };
    Some(format!(
        "{ROME_MULTIPLE}, ROME's multiple, has {} of the plateau, {} in total effect beside {multiple}: {advice}.",
        percent(share),
        with(difference)
    ))
}

fn with(estimate: Estimate) -> String {
    format!("{} {}", number(estimate.value), interval(estimate.ci95))
}

fn interval([low, high]: [f64; 2]) -> String {
    format!("[{}, {}]", number(low), number(high))
}

fn percent(Estimate { value, ci95: [low, high] }: Estimate) -> String {
    format!("{:.0} % [{:.0}, {:.0}]", 100.0 * value, 100.0 * low, 100.0 * high)
}

/// Three figures; powers of ten where they would stand far behind the point.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    if value.abs() < 1e-4 {
        return format!("{value:.1e}");
    }
    let places = (2 - value.abs().log10().floor() as i32).clamp(0, 6);
    format!("{value:.*}", places as usize)
}

/// A percentile of multiples may lie between two.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use causal_trace_results::statistics::FactCurve;

    use super::*;

    const MULTIPLES: [f64; 6] = [1.0, 2.0, 3.0, 5.0, 10.0, 15.0];

    fn calibrated(effects: [f64; 6], facts: i64) -> Calibrated {
        let fact = |known_id: i64| {
            let off = 0.01 * (known_id % 3) as f64;
            let corrupted = effects.iter().map(|effect| 0.8 - effect * (1.0 + off)).collect();
            FactCurve { known_id, clean: 0.8, corrupted, changed: vec![0.25; 6] }
        };
        let facts: Vec<FactCurve> = (0..facts).map(fact).collect();
        Calibrated {
            calibration: Calibration::of(&MULTIPLES, &facts),
            subject_deviation: 0.05,
            facts: "20 facts & more".to_owned(),
            provenance: Provenance {
                model: "a <model>".to_owned(),
                prompts: 20,
                settings: "made up".to_owned(),
                program: "causal-trace 0.1.0".to_owned(),
            },
        }
    }

    #[test]
    fn the_findings_say_what_to_type_and_why() {
        let findings = calibrated([0.2, 0.48, 0.5, 0.5, 0.5, 0.5], 20).findings();
        assert!(
            findings[0].starts_with("Plateau: the total effect levels off at 0.505 [0.5"),
            "{findings:?}"
        );
        assert!(findings[1].contains("--noise s2 (a level of 0.100)"), "{findings:?}");
        assert!(findings[2].starts_with("3, ROME's multiple, has 100 % [100, 100]"), "{findings:?}");
        let findings = calibrated([0.1, 0.2, 0.3, 0.5, 0.5, 0.5], 20).findings();
        assert!(findings[1].contains("s5") && findings[2].contains("s3 leaves more"), "{findings:?}");
    }

    #[test]
    fn without_a_plateau_nothing_is_recommended() {
        for (effects, facts, words) in [
            ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 20, "still grows"),
            ([0.1, 0.6, 0.6, 0.5, 0.4, 0.3], 20, "still falls"),
            ([0.0, -0.1, -0.1, -0.1, -0.1, -0.1], 20, "not clearly above 0"),
            ([0.1, 0.5, 0.5, 0.5, 0.5, 0.5], 4, "and there are 4"),
        ] {
            let findings = calibrated(effects, facts).findings();
            assert!(findings.len() == 1 && findings[0].contains(words), "{findings:?}");
            assert!(!findings[0].contains("--noise"), "{findings:?}");
        }
    }

    #[test]
    fn the_page_shows_the_curves_and_runs_nothing() {
        let page =
            calibrated([0.2, 0.48, 0.5, 0.5, 0.5, 0.5], 20).page("causal-trace calibrate <x>").unwrap();
        assert!(page.contains("default-src 'none'") && !page.contains("<script"), "{page}");
        assert!(page.contains("<svg") && page.contains("90 % of the plateau"), "{page}");
        assert_eq!(page.matches("<tr>").count(), 1 + MULTIPLES.len());
        assert!(page.contains("a &lt;model&gt;") && !page.contains("a <model>") && !page.contains("<x>"));
    }

    #[test]
    fn numbers_have_three_figures() {
        assert_eq!(
            [0.12345, 12.345, -0.00123, 0.0, 1234.5, -1.26e-7].map(number),
            ["0.123", "12.3", "-0.00123", "0", "1234", "-1.3e-7"]
        );
    }
}
