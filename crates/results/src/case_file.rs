//! ROME's case files, `knowledge_{id}{,_mlp,_attn}.npz`, with more keys beside ROME's. They hold probabilities only.

mod reader;

use std::path::Path;

use causal_trace_core::{Component, Direction, Fact, Metric, TokenSpan, TraceRecord, effect};
use serde::{Deserialize, Serialize};

use crate::npz::{NpzBytes, NpzReader};
use crate::{ArrayFileError, Counterpart};

/// One component's trace of one prompt, as ROME's `causal_trace.py` saves it.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseFile {
    /// Which component was restored; ROME's `kind`, or the name of a component that ROME does not have.
    pub component: Component,
    /// ROME's `scores`: mean patched probability, `[n_tokens, n_layers]`, row-major.
    pub scores: Vec<f64>,
    /// Number of layers.
    pub n_layers: usize,
    /// Mean corrupted probability, p*.
    pub low_score: f64,
    /// Clean probability, p.
    pub high_score: f64,
    /// Token ids of the prompt; empty where the file has none.
    pub input_ids: Vec<i64>,
    /// Its tokens as text.
    pub input_tokens: Vec<String>,
    /// The subject's tokens; none where the file says (−1, −1).
    pub subject: Option<TokenSpan>,
    /// The answer as text.
    pub answer: String,
    /// Width of the window for mlp and attention in layers; as in ROME, the files of other components name it too.
    pub window: i64,
    /// Beside ROME's keys: width of the window for the residual stream, where it is not 1 as in ROME.
    pub residual_window: i64,
    /// The model's own prediction is the answer that was asked for.
    pub correct_prediction: bool,
    /// Beside ROME's keys: the patched probability of each sample, `[n_tokens, n_layers, n_samples]`, row-major;
    /// empty where they are not known.
    pub samples: Vec<f32>,
    /// Beside ROME's keys: the corrupted probability of each sample; empty where they are not known.
    pub corrupted_samples: Vec<f32>,
    /// Beside ROME's keys: the noise level, in units of the token embeddings.
    pub noise_level: Option<f64>,
    /// Beside ROME's keys: IE, `[n_tokens, n_layers]`, where the samples are not known.
    pub indirect_effect: Option<Vec<f64>>,
    /// Beside ROME's keys: PI, `[n_tokens, n_layers]`, where the samples are not known.
    pub percent_improvement: Option<Vec<f64>>,
    /// Beside ROME's keys: what they have no place for.
    pub details: Option<CaseDetails>,
}

/// A fact that was skipped: ROME saves `correct_prediction = False` and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct SkippedCase {
    /// Beside ROME's key: the prompt and the reason in words.
    pub details: Option<CaseDetails>,
}

/// A case file of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Case {
    /// With numbers.
    Traced(Box<CaseFile>),
    /// Without.
    Skipped(Box<SkippedCase>),
}

/// What ROME's keys have no place for: JSON under the key `details`, in files exported from a results folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseDetails {
    /// The fact as its file has it.
    pub fact: Fact,
    /// The prompt's tokens: a NumPy text loses null characters at its end.
    pub tokens: Vec<String>,
    /// How often the subject occurs in the prompt.
    pub subject_occurrences: usize,
    /// Which run was patched; ROME restores always.
    pub direction: Direction,
    /// The prompt of the corrupted run, where that is another prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart: Option<Counterpart>,
    /// The answer, of a traced fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerDetails>,
    /// The token that the answer's logit is compared with, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foil: Option<AnswerDetails>,
    /// What stands in keys of their own for a traced fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkippedDetails>,
}

/// A token that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerDetails {
    /// As text.
    pub text: String,
    /// Its id, where it is known.
    pub id: Option<u32>,
}

/// A skipped fact's prompt, and why it was skipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkippedDetails {
    /// Token ids of the prompt.
    pub ids: Vec<u32>,
    /// The subject's tokens, where it was found.
    pub subject: Option<TokenSpan>,
    /// The reason in words.
    pub detail: String,
}

impl CaseFile {
    /// The case files of a trace, one for each component: of its probabilities.
    #[must_use]
    pub fn of(record: &TraceRecord, answer: &str, correct_prediction: bool) -> Vec<Self> {
        let TraceRecord { prompt, config, baseline, .. } = record;
        let case = |grid: &causal_trace_core::Grid| CaseFile {
            component: grid.component,
            scores: grid.means().into_iter().map(f64::from).collect(),
            n_layers: grid.n_layers,
            low_score: effect::mean(&baseline.corrupted),
            high_score: f64::from(baseline.clean),
            input_ids: prompt.ids.iter().map(|&id| i64::from(id)).collect(),
            input_tokens: prompt.tokens.clone(),
            subject: Some(prompt.subject_span),
            answer: answer.to_owned(),
            window: config.window.width as i64,
            residual_window: config.residual_window.width as i64,
            correct_prediction,
            samples: grid.samples.clone(),
            corrupted_samples: baseline.corrupted.clone(),
            noise_level: config.corruption.noise_level(),
            indirect_effect: None,
            percent_improvement: None,
            details: None,
        };
        record.grids_of(Metric::Probability).map(case).collect()
    }

    /// The bytes of the npz file; the same case gives the same bytes.
    ///
    /// ROME's types are kept: scores are float32 unless that would change them.
    ///
    /// # Errors
    /// When a text cannot be encoded.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut npz = NpzBytes::new();
        self.write_rome_keys(&mut npz)?;
        self.write_other_keys(&mut npz)?;
        npz.finish()
    }

    fn write_rome_keys(&self, npz: &mut NpzBytes) -> std::io::Result<()> {
        let n_tokens = self.input_tokens.len();
        let tokens: Vec<&str> = self.input_tokens.iter().map(String::as_str).collect();
        let subject = self.subject.map_or([-1, -1], |subject| [subject.start as i64, subject.end as i64]);
        npz.floats("scores", &[n_tokens, self.n_layers], &self.scores)?;
        npz.array("low_score", &[], &[self.low_score])?;
        npz.floats("high_score", &[], &[self.high_score])?;
        if !self.input_ids.is_empty() {
            npz.array("input_ids", &[n_tokens], &self.input_ids)?;
        }
        npz.texts("input_tokens", &[n_tokens], &tokens)?;
        npz.array("subject_range", &[2], &subject)?;
        npz.texts("answer", &[], &[&self.answer])?;
        npz.array("window", &[], &[self.window])?;
        npz.array("correct_prediction", &[], &[self.correct_prediction])?;
        npz.texts("kind", &[], &[self.component.rome_kind()])
    }

    fn write_other_keys(&self, npz: &mut NpzBytes) -> std::io::Result<()> {
        let n_tokens = self.input_tokens.len();
        if !self.samples.is_empty() {
            let n_samples = self.samples.len() / self.scores.len().max(1);
            npz.array("samples", &[n_tokens, self.n_layers, n_samples], &self.samples)?;
        }
        if !self.corrupted_samples.is_empty() {
            npz.array("corrupted_samples", &[self.corrupted_samples.len()], &self.corrupted_samples)?;
        }
        if self.residual_window != 1 {
            npz.array("residual_window", &[], &[self.residual_window])?;
        }
        if let Some(level) = self.noise_level {
            npz.array("noise_level", &[], &[level])?;
        }
        let effects =
            [("indirect_effect", &self.indirect_effect), ("percent_improvement", &self.percent_improvement)];
        for (name, effects) in effects {
            if let Some(effects) = effects {
                npz.floats(name, &[n_tokens, self.n_layers], effects)?;
            }
        }
        write_details(npz, self.details.as_ref())
    }

    /// Reads a case file of this program or of ROME, whose files lack the keys beside.
    ///
    /// # Errors
    /// When the file cannot be read, lacks one of ROME's keys, has arrays that do not fit each other, or has
    /// numbers that are not finite.
    pub fn read(path: &Path) -> Result<Self, ArrayFileError> {
        NpzReader::open(path)?.case()
    }
}

impl SkippedCase {
    /// The bytes of the npz file; the same case gives the same bytes.
    ///
    /// # Errors
    /// When a text cannot be encoded.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut npz = NpzBytes::new();
        npz.array("correct_prediction", &[], &[false])?;
        write_details(&mut npz, self.details.as_ref())?;
        npz.finish()
    }
}

fn write_details(npz: &mut NpzBytes, details: Option<&CaseDetails>) -> std::io::Result<()> {
    match details {
        Some(details) => npz.texts("details", &[], &[&serde_json::to_string(details)?]),
        None => Ok(()),
    }
}

impl Case {
    /// Reads a case file, with numbers or without.
    ///
    /// # Errors
    /// As [`CaseFile::read`].
    pub fn read(path: &Path) -> Result<Self, ArrayFileError> {
        let mut npz = NpzReader::open(path)?;
        let correct = npz.booleans("correct_prediction")?;
        if !npz.has("scores") && !npz.single("correct_prediction", correct)? {
            return Ok(Case::Skipped(Box::new(SkippedCase { details: npz.details()? })));
        }
        Ok(Case::Traced(Box::new(npz.case()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> CaseFile {
        CaseFile {
            component: Component::Mlp,
            scores: vec![0.25, 0.5, 0.75, 1.0],
            n_layers: 2,
            low_score: 0.1,
            high_score: 0.9,
            input_ids: vec![7, 300],
            input_tokens: vec!["Ö".to_owned(), " sl\u{4e2d}o".to_owned()],
            subject: Some(TokenSpan { start: 0, end: 1 }),
            answer: String::new(),
            window: 10,
            residual_window: 1,
            correct_prediction: true,
            samples: vec![0.25, 0.5, 0.75, 1.0],
            corrupted_samples: vec![0.1],
            noise_level: Some(0.5),
            indirect_effect: None,
            percent_improvement: None,
            details: None,
        }
    }

    fn read_back(case: &CaseFile) -> Result<CaseFile, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.npz");
        std::fs::write(&path, case.to_bytes().unwrap()).unwrap();
        CaseFile::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read_back(&case()).unwrap(), case());
        assert_eq!(case().to_bytes().unwrap(), case().to_bytes().unwrap());
        let means_only = CaseFile {
            scores: vec![0.1, 0.2, 0.3, 0.4],
            component: Component::MlpSevered,
            residual_window: 3,
            subject: None,
            input_ids: Vec::new(),
            samples: Vec::new(),
            corrupted_samples: Vec::new(),
            noise_level: None,
            indirect_effect: Some(vec![0.1, 0.2, 0.3, 0.4]),
            percent_improvement: Some(vec![0.25; 4]),
            ..case()
        };
        assert_eq!(read_back(&means_only).unwrap(), means_only);
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.npz");
        let bytes = case().to_bytes().unwrap();
        for len in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..len]).unwrap();
            let error = CaseFile::read(&path).unwrap_err().to_string();
            assert!(error.contains("case.npz"), "{error}");
        }
        assert!(CaseFile::read(&folder.path().join("none.npz")).is_err());
    }

    /// Every byte of the arrays is under the archive's checksum.
    #[test]
    fn a_changed_value_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.npz");
        let bytes = case().to_bytes().unwrap();
        let value = bytes.windows(4).position(|bytes| bytes == 0.75f32.to_le_bytes()).unwrap();
        let mut changed = bytes.clone();
        changed[value + 1] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let error = CaseFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("\"scores\""), "{error}");
    }

    #[test]
    fn arrays_that_do_not_fit_are_named() {
        let wrong = [
            ("\"input_ids\"", CaseFile { input_ids: vec![7, -1], ..case() }),
            ("\"scores\"", CaseFile { scores: vec![0.25, 0.5, f64::NAN, 1.0], ..case() }),
            ("\"high_score\"", CaseFile { high_score: f64::INFINITY, ..case() }),
            ("\"subject_range\"", CaseFile { subject: Some(TokenSpan { start: 1, end: 3 }), ..case() }),
            ("\"subject_range\"", CaseFile { subject: Some(TokenSpan { start: 1, end: 1 }), ..case() }),
            ("\"window\"", CaseFile { window: 0, ..case() }),
            ("\"residual_window\"", CaseFile { residual_window: 0, ..case() }),
            ("\"samples\"", CaseFile { samples: vec![f32::NAN; 4], ..case() }),
            ("\"indirect_effect\"", CaseFile { indirect_effect: Some(vec![f64::NAN; 4]), ..case() }),
        ];
        for (name, case) in wrong {
            let error = read_back(&case).unwrap_err();
            assert!(error.contains(name), "{error} does not name {name}");
        }
    }
}
