//! Fact files: read, hashed, and some of their facts chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use causal_trace_core::{Fact, parse_facts};
use causal_trace_lm::sha256;
use causal_trace_results::FactsIdentity;
use causal_trace_results::statistics::{Candidate, Selection};

use crate::demo;
use crate::known_facts;
use crate::printer::Printer;

/// How many ids an error lists.
const LISTED: usize = 5;

/// All facts of a file.
#[derive(Debug, Clone)]
pub(crate) struct FactFile {
    /// The file as it was named.
    pub(crate) name: String,
    pub(crate) facts: Vec<Fact>,
    sha256: String,
}

impl FactFile {
    /// Reads a file, one that is known by its name or that lies at a path, or takes the embedded facts.
    pub(crate) fn open(path: Option<&Path>, printer: &Printer) -> Result<Self> {
        let Some(path) = path else {
            let name = FactsIdentity::EMBEDDED.to_owned();
            return Ok(FactFile { name, facts: demo::facts()?, sha256: sha256(demo::FACTS.as_bytes()) });
        };
        let name = path.display().to_string();
        let known = if known_facts::is_meant(path) { Some(known_facts::located(printer)?) } else { None };
        let text = std::fs::read_to_string(known.as_deref().unwrap_or(path))
            .map_err(|error| anyhow!("cannot read the facts {name}: {}", unreadable(&error)))?;
        let facts = parse_facts(&text).with_context(|| name.clone())?;
        Ok(FactFile { name, facts, sha256: sha256(text.as_bytes()) })
    }

    /// The chosen facts in the file's order, and what they are called in a manifest.
    pub(crate) fn choose(&self, choice: &Choice) -> Result<(Vec<Fact>, FactsIdentity)> {
        let facts = &self.facts;
        let chosen: Vec<Fact> = match choice {
            Choice::All => facts.clone(),
            Choice::First(n) => facts.iter().take(*n).cloned().collect(),
            Choice::Ids(ids) => {
                let ids: BTreeSet<i64> = ids.iter().copied().collect();
                self.check_ids(&ids)?;
                facts.iter().filter(|fact| ids.contains(&fact.known_id)).cloned().collect()
            }
            Choice::Sample { n, seed } => {
                if *n > facts.len() {
                    bail!("--sample {n} is more than the {} facts of {}", facts.len(), self.name);
                }
                self.check_unique(facts)?;
                let candidates: Vec<Candidate> = facts.iter().map(candidate).collect();
                let ids = Selection::Random { n: *n, seed: *seed }.choose_among(&candidates)?;
                facts.iter().filter(|fact| ids.contains(&fact.known_id)).cloned().collect()
            }
        };
        self.check_unique(&chosen)?;
        let identity = self.identity(chosen.len(), choice.to_string());
        Ok((chosen, identity))
    }

    /// What so many of its facts, selected in some way, are called in a record.
    pub(crate) fn identity(&self, n_facts: usize, selection: String) -> FactsIdentity {
        FactsIdentity { name: self.name.clone(), sha256: Some(self.sha256.clone()), n_facts, selection }
    }

    fn check_ids(&self, ids: &BTreeSet<i64>) -> Result<()> {
        let known: BTreeSet<i64> = self.facts.iter().map(|fact| fact.known_id).collect();
        let missing: Vec<String> = ids.difference(&known).take(LISTED).map(i64::to_string).collect();
        if !missing.is_empty() {
            bail!("no fact in {} has known_id {}", self.name, missing.join(", "));
        }
        Ok(())
    }

    /// Results are kept by id, so that two facts of the same id could not be told apart.
    fn check_unique(&self, facts: &[Fact]) -> Result<()> {
        let mut counts = BTreeMap::new();
        facts.iter().for_each(|fact| *counts.entry(fact.known_id).or_insert(0) += 1);
        let twice: Vec<String> =
            counts.iter().filter(|&(_, &n)| n > 1).map(|(id, _)| id.to_string()).take(LISTED).collect();
        if !twice.is_empty() {
            let ids = twice.join(", ");
            bail!("{} has several facts with known_id {ids}: give every fact an id of its own", self.name);
        }
        Ok(())
    }
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::InvalidData => {
            "it is not UTF-8 text: save it as UTF-8 (in a spreadsheet, as CSV UTF-8)".to_owned()
        }
        ErrorKind::NotFound => format!("{error}; give a file, or {} for ROME's facts", known_facts::NAME),
        _ => error.to_string(),
    }
}

fn candidate(fact: &Fact) -> Candidate {
    let (relation_id, relation) = (fact.relation_id.clone(), fact.relation.clone());
    Candidate { known_id: fact.known_id, n_tokens: 0, relation_id, relation, skipped: None }
}

/// Which facts of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    All,
    First(usize),
    Ids(Vec<i64>),
    Sample { n: usize, seed: u64 },
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Choice::All => f.write_str("all"),
            Choice::First(n) => write!(f, "limit {n}"),
            Choice::Ids(ids) => {
                let sorted: BTreeSet<i64> = ids.iter().copied().collect();
                let ids: Vec<String> = sorted.iter().map(i64::to_string).collect();
                write!(f, "ids {}", ids.join(","))
            }
            Choice::Sample { n, seed } => write!(f, "sample {n} seed {seed}"),
        }
    }
}
