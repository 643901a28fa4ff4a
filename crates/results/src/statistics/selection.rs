//! Which prompts of a folder are averaged or drawn.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::bootstrap::{below, seeded};
use crate::{Outcome, PromptRecord, SkipReason};

/// Some of a folder's traced prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// So many with the most tokens; of prompts with equally many, those that stand last in the folder. So it shares no
    /// prompt with [`Selection::LeastTokens`], as long as both together ask for no more than there are.
    MostTokens(usize),
    /// So many with the fewest tokens; of prompts with equally many, those that stand first.
    LeastTokens(usize),
    /// So many, drawn without replacement.
    Random {
        /// How many.
        n: usize,
        /// What the draw depends on, beside the folder.
        seed: u64,
    },
    /// Those with these ids.
    Ids(Vec<i64>),
    /// Those whose fact has this relation, by its id (as in `P30`) or in words.
    Relation(String),
}

/// A text that is no selection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{given}' is not a selection: expected one of all, most-tokens:N, least-tokens:N, random:N, \
     random:N:SEED, ids:1,2,3, relation:P30, with N at least 1"
)]
pub struct ParseSelectionError {
    /// The text that was given.
    pub given: String,
}

/// Why a selection cannot be made from a folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Fewer prompts were traced than are asked for.
    #[error("{selection} asks for {wanted} prompts, but {traced} were traced: ask for fewer")]
    TooFew {
        /// What was asked for.
        selection: Selection,
        /// How many prompts it asks for.
        wanted: usize,
        /// How many there are.
        traced: usize,
    },
    /// Ids that the folder does not have.
    #[error("no fact in this folder has the id {}", listed(ids))]
    UnknownIds {
        /// The ids.
        ids: Vec<i64>,
    },
    /// A fact that was not traced.
    #[error("fact {id} was skipped ({}): {detail}; leave it out of the ids", reason.name())]
    Skipped {
        /// The fact's id.
        id: i64,
        /// The kind of reason.
        reason: SkipReason,
        /// The details.
        detail: String,
    },
    /// No fact has the relation.
    #[error("no traced fact has the relation '{relation}'; this folder has {}", relations_listed(there))]
    UnknownRelation {
        /// What was asked for.
        relation: String,
        /// The relations of the traced facts.
        there: BTreeSet<String>,
    },
}

fn listed(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

fn relations_listed(there: &BTreeSet<String>) -> String {
    const SHOWN: usize = 12;
    if there.is_empty() {
        return "no relations".to_owned();
    }
    let shown = there.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match there.len() > SHOWN {
        true => format!("{shown} and {} more", there.len() - SHOWN),
        false => shown,
    }
}

/// What a selection needs to know of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The fact's id.
    pub known_id: i64,
    /// Number of tokens of the prompt.
    pub n_tokens: usize,
    /// Wikidata's property, as in `P30`.
    pub relation_id: Option<String>,
    /// The relation in words.
    pub relation: Option<String>,
    /// Why the fact was skipped, with the details; none where it was traced.
    pub skipped: Option<(SkipReason, String)>,
}

impl From<&PromptRecord> for Candidate {
    fn from(record: &PromptRecord) -> Self {
        Candidate {
            known_id: record.fact.known_id,
            n_tokens: record.tokens.len(),
            relation_id: record.fact.relation_id.clone(),
            relation: record.fact.relation.clone(),
            skipped: match &record.outcome {
                Outcome::Traced(_) => None,
                Outcome::Skipped(skip) => Some((skip.reason, skip.detail.clone())),
            },
        }
    }
}

impl Selection {
    /// The ids of the selected prompts; only traced ones can be selected.
    ///
    /// # Errors
    /// When fewer prompts were traced than are asked for, an id is not there or was skipped, or no fact has the
    /// relation.
    pub fn choose<'a>(
        &self,
        records: impl IntoIterator<Item = &'a PromptRecord>,
    ) -> Result<BTreeSet<i64>, SelectionError> {
        let candidates: Vec<Candidate> = records.into_iter().map(Candidate::from).collect();
        self.choose_among(&candidates)
    }

    /// The same as [`choose`](Self::choose), without the records.
    ///
    /// # Errors
    /// The same.
    pub fn choose_among(&self, candidates: &[Candidate]) -> Result<BTreeSet<i64>, SelectionError> {
        let mut traced: Vec<&Candidate> =
            candidates.iter().filter(|candidate| candidate.skipped.is_none()).collect();
        match self {
            Selection::All => {}
            Selection::Ids(ids) => return chosen_ids(ids, candidates),
            Selection::Relation(relation) => return with_relation(relation, &traced),
            Selection::MostTokens(n) => {
                self.check_number(*n, traced.len())?;
                traced.sort_by_key(|candidate| candidate.n_tokens);
                traced.drain(..traced.len() - n);
            }
            Selection::LeastTokens(n) => {
                self.check_number(*n, traced.len())?;
                traced.sort_by_key(|candidate| candidate.n_tokens);
                traced.truncate(*n);
            }
            Selection::Random { n, seed } => {
                self.check_number(*n, traced.len())?;
                shuffle_first(&mut traced, *n, *seed);
                traced.truncate(*n);
            }
        }
        Ok(traced.into_iter().map(|candidate| candidate.known_id).collect())
    }

    fn check_number(&self, wanted: usize, traced: usize) -> Result<(), SelectionError> {
        if wanted <= traced {
            return Ok(());
        }
        Err(SelectionError::TooFew { selection: self.clone(), wanted, traced })
    }
}

/// The first `n` steps of Fisher and Yates' shuffle.
fn shuffle_first<T>(items: &mut [T], n: usize, seed: u64) {
    let mut generator = seeded(seed);
    for place in 0..n {
        let other = place + below(items.len() - place, &mut generator);
        items.swap(place, other);
    }
}

fn chosen_ids(ids: &[i64], candidates: &[Candidate]) -> Result<BTreeSet<i64>, SelectionError> {
    let wanted: BTreeSet<i64> = ids.iter().copied().collect();
    let there: BTreeSet<i64> = candidates.iter().map(|candidate| candidate.known_id).collect();
    let unknown: Vec<i64> = wanted.difference(&there).copied().collect();
    if !unknown.is_empty() {
        return Err(SelectionError::UnknownIds { ids: unknown });
    }
    for candidate in candidates.iter().filter(|candidate| wanted.contains(&candidate.known_id)) {
        if let Some((reason, detail)) = &candidate.skipped {
            let (id, reason, detail) = (candidate.known_id, *reason, detail.clone());
            return Err(SelectionError::Skipped { id, reason, detail });
        }
    }
    Ok(wanted)
}

fn with_relation(relation: &str, traced: &[&Candidate]) -> Result<BTreeSet<i64>, SelectionError> {
    let names = |candidate: &Candidate| {
        [candidate.relation_id.clone(), candidate.relation.clone()].into_iter().flatten()
    };
    let found: BTreeSet<i64> = traced
        .iter()
        .filter(|candidate| names(candidate).any(|name| name == relation))
        .map(|candidate| candidate.known_id)
        .collect();
    if found.is_empty() {
        let there = traced.iter().flat_map(|candidate| names(candidate)).collect();
        return Err(SelectionError::UnknownRelation { relation: relation.to_owned(), there });
    }
    Ok(found)
}

impl fmt::Display for Selection {
    /// As on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::All => f.write_str("all"),
            Selection::MostTokens(n) => write!(f, "most-tokens:{n}"),
            Selection::LeastTokens(n) => write!(f, "least-tokens:{n}"),
            Selection::Random { n, seed } => write!(f, "random:{n}:{seed}"),
            Selection::Ids(ids) => {
                write!(f, "ids:{}", ids.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
            }
            Selection::Relation(relation) => write!(f, "relation:{relation}"),
        }
    }
}

impl FromStr for Selection {
    type Err = ParseSelectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parsed(text).ok_or_else(|| ParseSelectionError { given: text.to_owned() })
    }
}

fn parsed(text: &str) -> Option<Selection> {
    if text == "all" {
        return Some(Selection::All);
    }
    let number = |text: &str| text.parse().ok().filter(|&number: &usize| number > 0);
    let (kind, value) = text.split_once(':')?;
    match kind {
        "most-tokens" => number(value).map(Selection::MostTokens),
        "least-tokens" => number(value).map(Selection::LeastTokens),
        "random" => {
            let (n, seed) = value.split_once(':').unwrap_or((value, "1"));
            Some(Selection::Random { n: number(n)?, seed: seed.parse().ok()? })
        }
        "ids" => {
            let ids = value.split(',').map(|id| id.trim().parse().ok()).collect::<Option<_>>()?;
            Some(Selection::Ids(ids))
        }
        "relation" => (!value.is_empty()).then(|| Selection::Relation(value.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Vec<Candidate> {
        let candidate = |known_id, n_tokens, relation: &str| Candidate {
            known_id,
            n_tokens,
            relation_id: Some(relation.to_owned()),
            relation: Some(format!("{relation} in words")),
            skipped: None,
        };
        let mut candidates = vec![
            candidate(9, 5, "P30"),
            candidate(2, 7, "P17"),
            candidate(5, 5, "P30"),
            candidate(1, 3, "P17"),
            candidate(4, 99, "P19"),
        ];
        candidates[4].skipped = Some((SkipReason::WrongPrediction, "predicted ' b'".to_owned()));
        candidates
    }

    fn chosen(text: &str) -> Result<Vec<i64>, String> {
        let selection: Selection = text.parse().unwrap();
        let ids = selection.choose_among(&candidates()).map_err(|error| error.to_string())?;
        Ok(ids.into_iter().collect())
    }

    #[test]
    fn texts_are_read_and_shown_alike() {
        for text in ["all", "most-tokens:100", "least-tokens:1", "random:5:7", "ids:3,-1", "relation:P30"] {
            assert_eq!(text.parse::<Selection>().unwrap().to_string(), text);
        }
        assert_eq!("random:5".parse(), Ok(Selection::Random { n: 5, seed: 1 }));
        assert_eq!("ids:1, 2".parse(), Ok(Selection::Ids(vec![1, 2])));
        for wrong in
            ["", "most", "most-tokens", "most-tokens:", "most-tokens:0", "most-tokens:-3", "random:x"]
        {
            let error = wrong.parse::<Selection>().unwrap_err().to_string();
            assert!(error.contains("most-tokens:N"), "{error}");
        }
        for wrong in ["random:5:", "ids:", "ids:1,,2", "ids:a", "relation:", "All", "relation"] {
            assert!(wrong.parse::<Selection>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lengths_choose_and_ties_follow_the_folder() {
        assert_eq!(chosen("all").unwrap(), [1, 2, 5, 9]);
        assert_eq!(chosen("most-tokens:2").unwrap(), [2, 5], "not those of least-tokens:2");
        assert_eq!(chosen("least-tokens:2").unwrap(), [1, 9]);
        assert_eq!(chosen("least-tokens:3").unwrap(), [1, 5, 9]);
    }

    #[test]
    fn a_random_choice_is_seeded() {
        let choices: BTreeSet<Vec<i64>> =
            (0..50).map(|seed| chosen(&format!("random:2:{seed}")).unwrap()).collect();
        assert_eq!(choices.len(), 6, "every pair of four comes up in 50 draws");
        assert_eq!(chosen("random:2:3"), chosen("random:2:3"));
        assert_eq!(chosen("random:4").unwrap(), [1, 2, 5, 9]);
    }

    #[test]
    fn relations_match_by_id_or_words() {
        assert_eq!(chosen("relation:P30").unwrap(), [5, 9]);
        assert_eq!(chosen("relation:P17 in words").unwrap(), [1, 2]);
        let error = chosen("relation:P19").unwrap_err();
        assert!(error.contains("P17") && error.contains("P30"), "{error}");
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert_eq!(chosen("ids:5,2,5").unwrap(), [2, 5]);
        assert_eq!(chosen("ids:5,77,78").unwrap_err(), "no fact in this folder has the id 77, 78");
        let error = chosen("ids:4").unwrap_err();
        assert!(error.contains("wrong_prediction") && error.contains("predicted ' b'"), "{error}");
        let error = chosen("most-tokens:5").unwrap_err();
        assert_eq!(error, "most-tokens:5 asks for 5 prompts, but 4 were traced: ask for fewer");
    }
}
