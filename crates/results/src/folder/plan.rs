//! What every part costs: `plan.json`. It is written once, so that all workers share out the work alike.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::layout::PLAN;
use super::{FolderError, atomic};

/// About how much work the parts are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the costs count, as in `operations`.
    pub unit: String,
    /// Of each part, in order.
    pub costs: Vec<f64>,
}

impl Plan {
    /// The plan of a folder; `None` where there is none for so many parts, or none that can be used.
    pub(super) fn read(folder: &Path, n_parts: usize) -> Result<Option<Plan>, String> {
        let text = match fs::read(folder.join(PLAN)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let plan: Plan = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        let fault = plan.fault(n_parts);
        fault.map_or(Ok(Some(plan)), Err)
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
        let mut text =
            serde_json::to_vec(&self).map_err(|error| FolderError::io("write", &path, error.into()))?;
        text.push(b'\n');
        if atomic::publish(&path, &text)? {
            return Ok(self);
        }
        match Plan::read(folder, n_parts) {
            Ok(Some(there)) => Ok(there),
            _ => atomic::replace(&path, &text).map(|()| self),
        }
    }
}
