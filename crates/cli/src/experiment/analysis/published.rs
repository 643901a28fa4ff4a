//! Numbers from a paper, beside ours where the model is the paper's.

use anyhow::Result;
use serde::Deserialize;

use crate::experiment::number::{Number, percent};
use crate::experiment::outcome::Runs;
use crate::experiment::section::{Section, Table};

/// What was published, and for which model.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Published {
    /// Where.
    source: String,
    /// The model's name in the paper.
    model: String,
    /// By which a model is recognised.
    model_type: String,
    n_layers: usize,
    d_model: usize,
    rows: Vec<Row>,
}

/// One number.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Row {
    what: String,
    published: f64,
    ours: Number,
}

impl Published {
    pub(super) fn run_names(&self) -> Vec<&str> {
        self.rows.iter().flat_map(|row| row.ours.run_names()).collect()
    }

    pub(super) fn section(&self, runs: &Runs) -> Result<Section> {
        let mut section = Section::new(format!("Published: {}", self.source));
        let model = &runs.one(None)?.manifest().model;
        let is_its = model.model_type.as_deref() == Some(&*self.model_type)
            && model.n_layers == self.n_layers
            && model.d_model == Some(self.d_model);
        if !is_its {
            section.findings.push(format!(
                "These numbers are {}'s; this is {}, so that they are not to be compared one by one.",
                self.model, model.name
            ));
        }
        let mut table = Table::new(&["", &format!("{}, published", self.model), &model.name]);
        for row in &self.rows {
            let ours = match row.ours.measure(runs) {
                Ok(measured) => percent_with_interval(&measured.ends(), measured.value),
                Err(error) => format!("{error:#}"),
            };
            table.rows.push(vec![row.what.clone(), percent(row.published), ours]);
        }
        section.tables.push(table);
        Ok(section)
    }
}

fn percent_with_interval(ends: &[f64; 2], value: f64) -> String {
    if ends[0] == ends[1] {
        return percent(value);
    }
    format!("{} [{:.1}, {:.1}]", percent(value), 100.0 * ends[0], 100.0 * ends[1])
}
