//! What every part costs: `plan.json`. It is written once, so that all workers share out the work alike.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::layout::PLAN;
use super::marker::sha256;
use super::{FolderError, atomic};

/// About how much work the parts are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the costs count, as in `operations`.
    pub unit: String,
    /// Of each part, in order.
    pub costs: Vec<f64>,
}

/// The file: a digit that changed would make workers share out the work differently.
#[derive(Serialize, Deserialize)]
struct PlanFile {
    #[serde(flatten)]
    plan: Plan,
    /// Of unit and costs as text, with blanks between them.
    sha256: String,
}

impl Plan {
    /// The plan of a folder; `None` where there is none for so many parts, or none that can be used.
    pub(super) fn read(folder: &Path, n_parts: usize) -> Result<Option<Plan>, String> {
        let text = match fs::read(folder.join(PLAN)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let file: PlanFile = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if file.plan.checksum() != file.sha256 {
            return Err("its content was altered".to_owned());
        }
        let fault = file.plan.fault(n_parts);
        fault.map_or(Ok(Some(file.plan)), Err)
    }

    fn checksum(&self) -> String {
        let costs: Vec<String> = self.costs.iter().map(f64::to_string).collect();
        sha256(format!("{} {}", self.unit, costs.join(" ")).as_bytes())
    }

    fn fault(&self, n_parts: usize) -> Option<String> {
        let n_costs = self.costs.len();
        if n_costs != n_parts {
            return Some(format!("it has costs for {n_costs} parts, and the manifest {n_parts} parts"));
        }
        let part = self.costs.iter().position(|cost| !cost.is_finite() || *cost < 0.0)?;
        Some(format!("the cost of part {part} is {}", self.costs[part]))
    }

    /// Writes it, or reads the one that is there already; one that cannot be used is replaced.
    pub(super) fn settle(self, folder: &Path) -> Result<Plan, FolderError> {
        let n_parts = self.costs.len();
        if let Ok(Some(there)) = Plan::read(folder, n_parts) {
            return Ok(there);
        }
        let path = folder.join(PLAN);
        let file = PlanFile { sha256: self.checksum(), plan: self };
        let mut text =
            serde_json::to_vec(&file).map_err(|error| FolderError::io("write", &path, error.into()))?;
        text.push(b'\n');
        if atomic::publish(&path, &text)? {
            return Ok(file.plan);
        }
        match Plan::read(folder, n_parts) {
            Ok(Some(there)) => Ok(there),
            _ => atomic::replace(&path, &text).map(|()| file.plan),
        }
    }
}
