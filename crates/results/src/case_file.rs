//! ROME's case files, `knowledge_{id}{,_mlp,_attn}.npz`, with more keys beside ROME's.

use std::path::Path;

use causal_trace_core::{Component, TokenSpan, TraceRecord};

use crate::ArrayFileError;
use crate::npz::{NpzBytes, NpzReader};

/// One component's trace of one prompt, as ROME's `causal_trace.py` saves it.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseFile {
    /// Which component was restored; ROME's `kind`.
    pub component: Component,
    /// ROME's `scores`: mean patched probability, `[n_tokens, n_layers]`, row-major.
    pub scores: Vec<f32>,
    /// Number of layers.
    pub n_layers: usize,
    /// Mean corrupted probability, p*.
    pub low_score: f64,
    /// Clean probability, p.
    pub high_score: f32,
    /// Token ids of the prompt.
    pub input_ids: Vec<i64>,
    /// Its tokens as text.
    pub input_tokens: Vec<String>,
    /// The subject's tokens.
    pub subject: TokenSpan,
    /// The answer as text.
    pub answer: String,
    /// Width of the window in layers.
    pub window: i64,
    /// The model's own prediction is the answer that was asked for.
    pub correct_prediction: bool,
    /// Beside ROME's keys: the patched probability of each sample, `[n_tokens, n_layers, n_samples]`, row-major.
    pub samples: Vec<f32>,
    /// Beside ROME's keys: the corrupted probability of each sample.
    pub corrupted_samples: Vec<f32>,
    /// Beside ROME's keys: the noise level, in units of the token embeddings.
    pub noise_level: f64,
}

impl CaseFile {
    /// The case files of a trace, one for each component.
    #[must_use]
    pub fn of(record: &TraceRecord, answer: &str, correct_prediction: bool) -> Vec<Self> {
        let TraceRecord { prompt, config, baseline, grids } = record;
        let case = |grid: &causal_trace_core::Grid| CaseFile {
            component: grid.component,
            scores: grid.mean_probabilities(),
            n_layers: grid.n_layers,
            low_score: causal_trace_core::effect::mean(&baseline.corrupted),
            high_score: baseline.clean,
            input_ids: prompt.ids.iter().map(|&id| i64::from(id)).collect(),
            input_tokens: prompt.tokens.clone(),
            subject: prompt.subject_span,
            answer: answer.to_owned(),
            window: config.window.width as i64,
            correct_prediction,
            samples: grid.samples.clone(),
            corrupted_samples: baseline.corrupted.clone(),
            noise_level: config.corruption.level,
        };
        grids.iter().map(case).collect()
    }

    /// The bytes of the npz file; the same case gives the same bytes.
    ///
    /// # Errors
    /// When a text cannot be encoded.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let n_tokens = self.input_ids.len();
        let n_samples = self.corrupted_samples.len();
        let tokens: Vec<&str> = self.input_tokens.iter().map(String::as_str).collect();
        let subject = [self.subject.start as i64, self.subject.end as i64];
        let mut npz = NpzBytes::new();
        npz.array("scores", &[n_tokens, self.n_layers], &self.scores)?;
        npz.array("low_score", &[], &[self.low_score])?;
        npz.array("high_score", &[], &[self.high_score])?;
        npz.array("input_ids", &[n_tokens], &self.input_ids)?;
        npz.texts("input_tokens", &[n_tokens], &tokens)?;
        npz.array("subject_range", &[2], &subject)?;
        npz.texts("answer", &[], &[&self.answer])?;
        npz.array("window", &[], &[self.window])?;
        npz.array("correct_prediction", &[], &[self.correct_prediction])?;
        npz.texts("kind", &[], &[self.component.rome_kind()])?;
        npz.array("samples", &[n_tokens, self.n_layers, n_samples], &self.samples)?;
        npz.array("corrupted_samples", &[n_samples], &self.corrupted_samples)?;
        npz.array("noise_level", &[], &[self.noise_level])?;
        npz.finish()
    }

    /// Reads a case file of this program or of ROME, whose files lack the keys beside.
    ///
    /// # Errors
    /// When the file cannot be read or lacks one of ROME's keys.
    pub fn read(path: &Path) -> Result<Self, ArrayFileError> {
        let mut npz = NpzReader::open(path)?;
        let (shape, scores) = npz.array::<f32>("scores")?;
        let subject = npz.array::<i64>("subject_range")?.1;
        let kind: String = npz.scalar("kind")?;
        let wrong = |name: &str, reason: String| ArrayFileError::Array {
            path: path.to_owned(),
            name: name.to_owned(),
            reason,
        };
        let component = Component::ALL
            .into_iter()
            .find(|component| component.rome_kind() == kind)
            .ok_or_else(|| wrong("kind", format!("'{kind}' is none of '', 'mlp', 'attn'")))?;
        let &[_, n_layers] = &shape[..] else {
            return Err(wrong("scores", format!("its shape is {shape:?}, expected [tokens, layers]")));
        };
        let &[start, end] = &subject[..] else {
            return Err(wrong("subject_range", format!("it has {} values, expected 2", subject.len())));
        };
        let place = |value: i64| {
            usize::try_from(value).map_err(|_| wrong("subject_range", format!("{value} is not a token")))
        };
        Ok(CaseFile {
            component,
            scores,
            n_layers,
            low_score: npz.scalar("low_score")?,
            high_score: npz.scalar("high_score")?,
            input_ids: npz.array("input_ids")?.1,
            input_tokens: npz.array("input_tokens")?.1,
            subject: TokenSpan { start: place(start)?, end: place(end)? },
            answer: npz.scalar("answer")?,
            window: npz.scalar("window")?,
            correct_prediction: npz.scalar("correct_prediction")?,
            samples: npz.optional("samples")?.map(|(_, samples)| samples).unwrap_or_default(),
            corrupted_samples: npz
                .optional("corrupted_samples")?
                .map(|(_, samples)| samples)
                .unwrap_or_default(),
            noise_level: npz
                .optional("noise_level")?
                .and_then(|(_, level)| level.first().copied())
                .unwrap_or(f64::NAN),
        })
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
            subject: TokenSpan { start: 0, end: 1 },
            answer: String::new(),
            window: 10,
            correct_prediction: true,
            samples: vec![0.25, 0.5, 0.75, 1.0],
            corrupted_samples: vec![0.1],
            noise_level: 0.5,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.npz");
        std::fs::write(&path, case().to_bytes().unwrap()).unwrap();
        assert_eq!(CaseFile::read(&path).unwrap(), case());
        assert_eq!(case().to_bytes().unwrap(), case().to_bytes().unwrap());
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
}
