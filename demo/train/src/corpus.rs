//! The facts, the phrasings of their relations, and which phrasings of a fact are seen in training.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::random::{Stream, Use};

/// Share of a relation's phrasings in which each of its facts is seen.
const SEEN_SHARE: f64 = 0.6;

/// One relation as it stands in `relations.json`.
#[derive(Deserialize)]
pub struct Relation {
    pub relation: String,
    pub relation_id: String,
    /// Templates with one `{}` for the subject; the answer follows directly.
    pub phrasings: Vec<String>,
    /// Pairs of subject and answer.
    pub facts: Vec<(String, String)>,
}

/// A fact with its phrasings divided.
pub struct Fact {
    pub known_id: usize,
    pub relation: String,
    pub relation_id: String,
    pub subject: String,
    pub answer: String,
    pub seen: Vec<String>,
    pub unseen: Vec<String>,
}

/// A fact as it stands in `facts.json`: the form of ROME's `known_1000.json` and two fields more.
#[derive(Serialize)]
pub struct KnownFact<'a> {
    known_id: usize,
    subject: &'a str,
    attribute: &'a str,
    template: &'a str,
    prediction: String,
    prompt: String,
    relation_id: &'a str,
    relation: &'a str,
    /// Whether the prompt was in the training text.
    seen: bool,
}

impl Fact {
    /// The one phrasing chosen for `facts.json`: unseen for every second fact.
    pub fn template(&self) -> (&str, bool) {
        let seen = self.known_id % 2 == 1;
        (if seen { &self.seen[0] } else { &self.unseen[0] }, seen)
    }

    /// The prompt of the chosen phrasing.
    pub fn prompt(&self) -> String {
        self.fill(self.template().0)
    }

    /// A template with the subject put in.
    pub fn fill(&self, template: &str) -> String {
        template.replace("{}", &self.subject)
    }

    /// The entry of `facts.json`, with what a model predicted.
    pub fn known(&self, prediction: String) -> KnownFact<'_> {
        let (template, seen) = self.template();
        KnownFact {
            known_id: self.known_id,
            subject: &self.subject,
            attribute: &self.answer,
            template,
            prediction,
            prompt: self.prompt(),
            relation_id: &self.relation_id,
            relation: &self.relation,
            seen,
        }
    }
}

/// Reads `relations.json` and checks each entry.
pub fn read_relations(path: &Path) -> Result<Vec<Relation>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let relations: Vec<Relation> =
        serde_json::from_str(&text).with_context(|| format!("{} is malformed", path.display()))?;
    for relation in &relations {
        check(relation).with_context(|| format!("relation `{}`", relation.relation))?;
    }
    Ok(relations)
}

fn check(relation: &Relation) -> Result<()> {
    for phrasing in &relation.phrasings {
        ensure!(phrasing.matches("{}").count() == 1, "phrasing `{phrasing}` needs exactly one {{}}");
        ensure!(!phrasing.ends_with(' '), "phrasing `{phrasing}` ends in a space");
    }
    let mut subjects: Vec<&str> = relation.facts.iter().map(|(subject, _)| subject.as_str()).collect();
    subjects.sort_unstable();
    let repeated = subjects.windows(2).find(|pair| pair[0] == pair[1]);
    ensure!(repeated.is_none(), "subject `{}` stands there twice", repeated.map_or("", |pair| pair[0]));
    Ok(())
}

/// Numbers the facts and divides each one's phrasings into seen and unseen, at random by seed.
pub fn divide(relations: &[Relation], seed: u64) -> Vec<Fact> {
    let facts = relations.iter().flat_map(|r| r.facts.iter().map(move |fact| (r, fact)));
    facts.enumerate().map(|(known_id, (relation, fact))| divide_one(known_id, relation, fact, seed)).collect()
}

fn divide_one(known_id: usize, relation: &Relation, fact: &(String, String), seed: u64) -> Fact {
    let mut phrasings = relation.phrasings.clone();
    Stream::new(seed, Use::Phrasings, known_id as u64).shuffle(&mut phrasings);
    let unseen = phrasings.split_off((phrasings.len() as f64 * SEEN_SHARE).round() as usize);
    Fact {
        known_id,
        relation: relation.relation.clone(),
        relation_id: relation.relation_id.clone(),
        subject: fact.0.clone(),
        answer: fact.1.clone(),
        seen: phrasings,
        unseen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation() -> Relation {
        Relation {
            relation: "capital".to_owned(),
            relation_id: "P36".to_owned(),
            phrasings: ["{} a", "{} b", "c {}", "d {} e", "{} f"].map(str::to_owned).to_vec(),
            facts: vec![("France".to_owned(), "Paris".to_owned()), ("Italy".to_owned(), "Rome".to_owned())],
        }
    }

    #[test]
    fn phrasings_are_divided_without_loss() {
        for fact in divide(&[relation()], 1) {
            assert_eq!((fact.seen.len(), fact.unseen.len()), (3, 2));
            let mut all = [fact.seen.clone(), fact.unseen.clone()].concat();
            all.sort();
            assert_eq!(all, ["c {}", "d {} e", "{} a", "{} b", "{} f"]);
        }
    }

    #[test]
    fn division_depends_on_the_seed_alone() {
        let seen = |seed| divide(&[relation()], seed).into_iter().map(|fact| fact.seen).collect::<Vec<_>>();
        assert_eq!(seen(1), seen(1));
        assert!((2..10).any(|seed| seen(seed) != seen(1)));
    }

    #[test]
    fn faulty_relations_are_refused() {
        let mut repeated = relation();
        repeated.facts.push(("Italy".to_owned(), "Milan".to_owned()));
        let mut spaced = relation();
        spaced.phrasings.push("{} is ".to_owned());
        let mut empty = relation();
        empty.phrasings.push("nothing".to_owned());
        assert!(check(&relation()).is_ok());
        assert!([repeated, spaced, empty].iter().all(|faulty| check(faulty).is_err()));
    }
}
