//! Reads the arrays of a case file and checks that they fit each other.

use std::io::{Read, Seek};

use causal_trace_core::{Component, TokenSpan};

use super::{CaseDetails, CaseFile};
use crate::ArrayFileError;
use crate::npz::{Array, NpzReader};

impl<R: Read + Seek> NpzReader<R> {
    /// All arrays, each checked against the others.
    pub(super) fn case(&mut self) -> Result<CaseFile, ArrayFileError> {
        let tokens = self.texts("input_tokens")?;
        let (token_shape, input_tokens) = self.required("input_tokens", tokens)?;
        let scores = self.floats("scores")?;
        let (shape, scores) = self.required("scores", scores)?;
        let n_tokens = input_tokens.len();
        let &[rows, n_layers] = &shape[..] else {
            return Err(self.wrong("scores", format!("its shape is {shape:?}, expected [tokens, layers]")));
        };
        if token_shape.len() != 1 || rows != n_tokens || n_layers == 0 {
            let reason = format!("its shape is {shape:?}, but there are {n_tokens} tokens in input_tokens");
            return Err(self.wrong("scores", reason));
        }
        self.check_finite("scores", &scores)?;
        let (corrupted_samples, samples) = self.samples(&shape)?;
        Ok(CaseFile {
            component: self.component()?,
            scores,
            n_layers,
            low_score: self.float("low_score")?,
            high_score: self.float("high_score")?,
            input_ids: self.ids(n_tokens)?,
            input_tokens,
            subject: self.subject(n_tokens)?,
            answer: self.text("answer")?,
            window: self.window("window")?,
            residual_window: if self.has("residual_window") { self.window("residual_window")? } else { 1 },
            correct_prediction: {
                let correct = self.booleans("correct_prediction")?;
                self.single("correct_prediction", correct)?
            },
            samples,
            corrupted_samples,
            noise_level: if self.has("noise_level") { Some(self.float("noise_level")?) } else { None },
            indirect_effect: self.shaped("indirect_effect", &shape)?,
            percent_improvement: self.shaped("percent_improvement", &shape)?,
            details: self.details()?,
        })
    }

    fn component(&mut self) -> Result<Component, ArrayFileError> {
        let kind = self.text("kind")?;
        let found = Component::ALL.into_iter().find(|component| component.rome_kind() == kind);
        let known = || Component::ALL.map(|component| format!("'{}'", component.rome_kind())).join(", ");
        found.ok_or_else(|| self.wrong("kind", format!("'{kind}' is none of {}", known())))
    }

    fn text(&mut self, name: &str) -> Result<String, ArrayFileError> {
        let text = self.texts(name)?;
        self.single(name, text)
    }

    fn float(&mut self, name: &str) -> Result<f64, ArrayFileError> {
        let value = self.floats(name)?;
        let value = self.single(name, value)?;
        self.check_finite(name, &[value])?;
        Ok(value)
    }

    fn window(&mut self, name: &str) -> Result<i64, ArrayFileError> {
        let window = self.integers(name)?;
        match self.single(name, window)? {
            window if window >= 1 => Ok(window),
            window => Err(self.wrong(name, format!("it is {window}, expected 1 layer or more"))),
        }
    }

    fn ids(&mut self, n_tokens: usize) -> Result<Vec<i64>, ArrayFileError> {
        let Some((_, ids)) = self.integers("input_ids")? else { return Ok(Vec::new()) };
        match ids.len() == n_tokens && ids.iter().all(|&id| u32::try_from(id).is_ok()) {
            true => Ok(ids),
            false => Err(self.wrong("input_ids", format!("it does not hold {n_tokens} token ids"))),
        }
    }

    fn subject(&mut self, n_tokens: usize) -> Result<Option<TokenSpan>, ArrayFileError> {
        let range = self.integers("subject_range")?;
        let (_, range) = self.required("subject_range", range)?;
        let wrong = format!("{range:?} is not a span of tokens from 0 to {n_tokens}");
        let place =
            |value: i64| usize::try_from(value).map_err(|_| self.wrong("subject_range", wrong.clone()));
        match range[..] {
            [-1, -1] => Ok(None),
            [start, end] if start < end && place(end)? <= n_tokens => {
                Ok(Some(TokenSpan { start: place(start)?, end: place(end)? }))
            }
            _ => Err(self.wrong("subject_range", wrong)),
        }
    }

    /// The corrupted and the patched probability of each sample; either may be missing.
    fn samples(&mut self, scores: &[usize]) -> Result<(Vec<f32>, Vec<f32>), ArrayFileError> {
        let corrupted = self.floats("corrupted_samples")?;
        let patched = self.floats("samples")?;
        let n_samples = corrupted.as_ref().map(|(_, values)| values.len());
        if let Some((shape, _)) = &patched
            && !(shape.len() == 3 && shape[..2] == *scores && n_samples.is_none_or(|n| n == shape[2]))
        {
            let expected = match n_samples {
                Some(n) => format!("[{}, {}, {n}] as scores and corrupted_samples say", scores[0], scores[1]),
                None => format!("[{}, {}, samples] as scores say", scores[0], scores[1]),
            };
            return Err(self.wrong("samples", format!("its shape is {shape:?}, expected {expected}")));
        }
        let narrow = |name: &str, array: Option<Array<f64>>| {
            let values = array.map(|(_, values)| values).unwrap_or_default();
            self.check_finite(name, &values)?;
            Ok(values.into_iter().map(|value| value as f32).collect())
        };
        Ok((narrow("corrupted_samples", corrupted)?, narrow("samples", patched)?))
    }

    /// An array that has the scores' shape, where there is one.
    fn shaped(&mut self, name: &str, expected: &[usize]) -> Result<Option<Vec<f64>>, ArrayFileError> {
        let Some((shape, values)) = self.floats(name)? else { return Ok(None) };
        if shape != expected {
            return Err(self.wrong(name, format!("its shape is {shape:?}, expected {expected:?} as scores")));
        }
        self.check_finite(name, &values)?;
        Ok(Some(values))
    }

    pub(super) fn details(&mut self) -> Result<Option<CaseDetails>, ArrayFileError> {
        if !self.has("details") {
            return Ok(None);
        }
        let text = self.text("details")?;
        serde_json::from_str(&text).map(Some).map_err(|error| self.wrong("details", error.to_string()))
    }

    fn check_finite(&self, name: &str, values: &[f64]) -> Result<(), ArrayFileError> {
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(self.wrong(name, format!("it holds {value}, which is not a finite number"))),
            None => Ok(()),
        }
    }
}
