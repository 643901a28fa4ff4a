//! The total effect over the size of the noise, and how often the prediction changes.

use causal_trace_results::statistics::{Calibration, CalibrationPoint, ENOUGH, ROME_MULTIPLE};

use super::checked;
use super::limits::share_limits;
use crate::calibration::Calibrated;
use crate::{
    Content, CurvePoint, CurveSeries, Curves, Figure, FigureError, NumberAxis, Panel, Reference, Stroke,
    Width,
};

/// So much more than the highest value, that the label of a line there stands above it.
const LABEL_ROOM: f64 = 1.07;

/// A panel's numbers at one multiple: value and interval.
type Shown = fn(&CalibrationPoint) -> (f64, Option<[f64; 2]>);

/// Two panels over the multiple of the subjects' standard deviation: the mean total effect with the plateau and what is
/// enough of it, and the share of samples whose prediction changes; ROME's and the recommended multiple are marked.
///
/// # Errors
/// A calibration without multiples, or with one that is not positive.
pub fn calibration(made: &Calibrated) -> Result<Figure, FigureError> {
    let found = &made.calibration;
    let panels = vec![
        panel(found, "What noise takes away", "total effect (probability)", references(found), |point| {
            (point.total_effect, point.total_effect_ci95)
        }),
        panel(found, "How often it changes the prediction", "share of samples", Vec::new(), |point| {
            (point.changed, point.changed_ci95)
        }),
    ];
    let plural = if found.facts == 1 { "" } else { "s" };
    let bands = match found.bootstrap_draws {
        0 => String::new(),
        draws => format!("; bands: 95 % bootstrap intervals over facts ({draws} draws)"),
    };
    let note = format!(
        "TE = p − mean p*; Gaussian noise of k × {:.4} on the subject's token embeddings, where {:.4} is their standard \
         deviation; the same draws at every k; mean p without noise: {:.3}{bands}",
        made.subject_deviation, made.subject_deviation, found.clean
    );
    checked(Figure {
        title: "How much of the answer noise on the subject destroys".to_owned(),
        subtitle: format!("{}, {} fact{plural}", made.provenance.model, found.facts),
        width: Width::Page,
        columns: 2,
        panels,
        small_print: vec![note],
        provenance: vec![made.provenance.clone()],
    })
}

fn panel(found: &Calibration, title: &str, measure: &str, references: Vec<Reference>, shown: Shown) -> Panel {
    let curve = found.points.iter().map(|point| {
        let (y, interval) = shown(point);
        CurvePoint { x: point.multiple, y, interval }
    });
    let curve =
        CurveSeries { name: None, points: curve.collect(), stroke: Stroke::Distinct(5), is_joined: true };
    let marks = marks(found).into_iter().filter_map(|(multiple, name, stroke)| {
        let (y, _) = shown(found.at(multiple)?);
        // A line down to the axis, where the multiple is read.
        let point = CurvePoint { x: multiple, y, interval: Some([y.min(0.0), y.max(0.0)]) };
        Some(CurveSeries { name: Some(name), points: vec![point], stroke, is_joined: false })
    });
    let curves = Curves {
        series: std::iter::once(curve).chain(marks).collect(),
        axis: NumberAxis {
            label: "k: noise in standard deviations of the subjects' embeddings".to_owned(),
            is_logarithmic: true,
        },
        low: 0.0,
        high: 0.0,
        measure: measure.to_owned(),
        references,
    };
    let mut panels = [Panel { title: title.to_owned(), content: Content::Curves(curves) }];
    share_limits(&mut panels);
    let [mut panel] = panels;
    if let Content::Curves(curves) = &mut panel.content
        && !curves.references.is_empty()
    {
        curves.high *= LABEL_ROOM;
    }
    panel
}

/// The multiples that are marked.
fn marks(found: &Calibration) -> Vec<(f64, String, Stroke)> {
    let rome = (ROME_MULTIPLE, format!("k = {ROME_MULTIPLE}, as in ROME"), Stroke::Distinct(2));
    match &found.recommendation {
        Some(recommendation) if recommendation.multiple == ROME_MULTIPLE => {
            vec![(
                ROME_MULTIPLE,
                format!("k = {ROME_MULTIPLE}: recommended, and ROME's"),
                Stroke::Distinct(4),
            )]
        }
        Some(recommendation) => {
            let name = format!("k = {}, recommended", recommendation.multiple);
            vec![rome, (recommendation.multiple, name, Stroke::Distinct(4))]
        }
        None => vec![rome],
    }
}

fn references(found: &Calibration) -> Vec<Reference> {
    let Some(plateau) = found.plateau() else { return Vec::new() };
    let reference = |share: f64, label: String| Reference { value: share * plateau.value, label };
    vec![
        reference(1.0, "plateau".to_owned()),
        reference(ENOUGH, format!("{:.0} % of the plateau", 100.0 * ENOUGH)),
    ]
}
