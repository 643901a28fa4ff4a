//! The facts of a run: chosen from a file or given with the experiment, perhaps after a prefix.

use std::path::PathBuf;

use anyhow::{Result, bail};
use causal_trace_core::Fact;
use causal_trace_lm::sha256;
use causal_trace_results::FactsIdentity;

use super::file::{InlinePrompt, Run};
use super::job::Asked;
use crate::args::SweepOptions;
use crate::commands::sweep::choice;
use crate::fact_file::{Choice, FactFile};
use crate::printer::Printer;

/// What a run traces.
pub(super) struct RunFacts {
    /// The whole file, whose subjects scale the noise.
    pub(super) file: FactFile,
    pub(super) chosen: Vec<Fact>,
    pub(super) identity: FactsIdentity,
}

impl RunFacts {
    /// Those that the run's options choose, at most as many as the command line allows.
    pub(super) fn of(run: &Run, args: &SweepOptions, asked: &Asked, printer: &Printer) -> Result<Self> {
        let path: Option<&PathBuf> = args.facts.as_ref().or(asked.facts.as_ref());
        let file = FactFile::open(path.map(PathBuf::as_path), printer)?;
        let (mut chosen, mut identity) = if run.prompts.is_empty() {
            file.choose(&limited(choice(args), file.facts.len(), asked.limit))?
        } else {
            inline(run, asked.limit)
        };
        if let Some(prefix) = &run.prefix {
            chosen = chosen.iter().filter_map(|fact| prefix.before(fact)).collect();
            identity.selection = format!("{}, after a prefix", identity.selection);
        }
        if run.prefix.is_some() || !run.prompts.is_empty() {
            // The file's own hash does not tell of what was made of its facts.
            identity.sha256 = Some(sha256(&serde_json::to_vec(&chosen)?));
        }
        if chosen.is_empty() {
            bail!("run {}: no fact is left to trace ({}, {})", run.name, identity.name, identity.selection);
        }
        identity.n_facts = chosen.len();
        Ok(RunFacts { file, chosen, identity })
    }
}

/// The choice with at most `limit` facts, and no more than there are.
fn limited(choice: Choice, available: usize, limit: Option<usize>) -> Choice {
    let most = limit.unwrap_or(usize::MAX).min(available);
    match choice {
        // Files are often sorted, so that the first few would be of one relation.
        Choice::All if most < available => Choice::Sample { n: most, seed: 1 },
        Choice::All => Choice::All,
        Choice::First(n) => Choice::First(n.min(most)),
        Choice::Ids(ids) => Choice::Ids(ids.into_iter().take(most).collect()),
        Choice::Sample { n, seed } => Choice::Sample { n: n.min(most), seed },
    }
}

fn inline(run: &Run, limit: Option<usize>) -> (Vec<Fact>, FactsIdentity) {
    let fact = |prompt: &InlinePrompt| Fact {
        known_id: prompt.id,
        subject: prompt.subject.clone(),
        attribute: prompt.attribute.clone(),
        prompt: prompt.prompt.clone(),
        template: None,
        prediction: None,
        relation_id: None,
        relation: None,
        counterpart: prompt.counterpart.clone(),
        foil: prompt.foil.clone(),
    };
    let most = limit.unwrap_or(run.prompts.len());
    let chosen: Vec<Fact> = run.prompts.iter().take(most).map(fact).collect();
    let selection = if chosen.len() < run.prompts.len() { format!("limit {most}") } else { "all".to_owned() };
    let name = "the experiment's own prompts".to_owned();
    let identity = FactsIdentity { name, sha256: None, n_facts: chosen.len(), selection };
    (chosen, identity)
}
