//! A trace of the live view as a results folder, like that of a sweep over the one fact.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, anyhow};
use axum::http::StatusCode;
use causal_trace_core::{Fact, Method, RoleConvention};
use causal_trace_lm::sha256;
use causal_trace_results::{
    Counterparts, FactsIdentity, FolderWriter, NoiseSource, Outcome, PromptRecord, Target, TracedPrompt,
};
use serde::Serialize;

use super::job::{Finished, locked};
use super::words::{answer_in_words, says_subject};
use super::{Job, Tracer};
use crate::printer::in_one_line;
use crate::question::Question;
use crate::serve::Problem;
use crate::serve::folders::Folders;
use crate::sweep::Made;

/// The fact of a saved trace, for a sweep over it.
const FACTS: &str = "facts.json";
/// Characters of a prompt that its folder is named after, at most.
const SLUG: usize = 40;
/// Digits of the number in front.
const DIGITS: usize = 4;

/// Where traces are saved.
pub(crate) struct Saves {
    root: PathBuf,
    /// One at a time, so that each gets a number of its own.
    turn: Mutex<()>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Saved {
    path: String,
    folder: usize,
}

impl Saves {
    pub(crate) fn new(root: PathBuf) -> Self {
        Saves { root, turn: Mutex::new(()) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Saves a finished trace and shows it; once, however often it is asked for.
    pub(crate) fn save(&self, job: &Job, tracer: &Tracer, folders: &Folders) -> Result<Saved, Problem> {
        let _turn = locked(&self.turn);
        let mut finished = locked(&job.finished);
        let Some(finished) = finished.as_mut() else {
            let error = "there is nothing to save: the trace is not done";
            return Err(Problem::new(StatusCode::CONFLICT, error));
        };
        self.written_and_shown(job, finished, tracer, folders)
            .map_err(|error| Problem::internal(in_one_line(&error)))
    }

    fn written_and_shown(
        &self,
        job: &Job,
        finished: &mut Finished,
        tracer: &Tracer,
        folders: &Folders,
    ) -> Result<Saved> {
        let path = match &finished.saved {
            Some(path) => path.clone(),
            None => self.write(&job.question, finished, tracer)?,
        };
        finished.saved = Some(path.clone());
        let unseen = || format!("the trace is saved in {}, but cannot be shown", path.display());
        let folder = match finished.shown {
            Some(folder) => folder,
            None => folders.add(&path).with_context(unseen)?,
        };
        finished.shown = Some(folder);
        Ok(Saved { path: path.display().to_string(), folder })
    }

    fn write(&self, question: &Question, finished: &Finished, tracer: &Tracer) -> Result<PathBuf> {
        let Finished { record, correct_prediction, .. } = finished;
        let text = |id| tracer.model.lm.tokenizer.token_text(id);
        let (answer, foil) = (text(record.baseline.answer_id), record.baseline.foil_id.map(text));
        let fact = fact(question, &answer);
        let facts = format!("{}\n", serde_json::to_string_pretty(&[&fact])?);
        let path = self.new_folder(&question.prompt.text)?;
        let made = Made {
            lm: &tracer.model.lm,
            model: tracer.identity()?,
            facts: FactsIdentity {
                name: path.join(FACTS).display().to_string(),
                sha256: Some(sha256(facts.as_bytes())),
                n_facts: 1,
                selection: selection(question, record.baseline.answer_id, tracer).to_owned(),
            },
            target: if question.asked.is_none() { Target::Predicted } else { Target::Attribute },
            roles: RoleConvention::Rome,
            counterparts: question.counterpart.is_some().then_some(Counterparts::Given),
            config: &question.config,
            noise: question.noise.as_ref().map(|noise| as_number(noise, &question.config.corruption.method)),
        };
        let record = PromptRecord {
            ids: question.prompt.ids.clone(),
            tokens: question.prompt.tokens.clone(),
            subject: Some(question.prompt.subject_span),
            subject_occurrences: question.subject_occurrences,
            counterpart: question.recorded_counterpart(),
            outcome: Outcome::Traced(TracedPrompt::of(record, answer, foil, *correct_prediction)),
            fact,
        };
        FolderWriter::create(&path, &made.manifest(vec![1]))?.write_part(0, &[record])?;
        let path_of_facts = path.join(FACTS);
        std::fs::write(&path_of_facts, facts)
            .with_context(|| format!("cannot write {}", path_of_facts.display()))?;
        Ok(path)
    }

    /// A new folder, named by a number and the prompt's first words.
    fn new_folder(&self, prompt: &str) -> Result<PathBuf> {
        let cannot = || format!("cannot save in {}", self.root.display());
        std::fs::create_dir_all(&self.root).with_context(cannot)?;
        let mut number = 1 + last_number(&self.root).with_context(cannot)?;
        loop {
            let path = self.root.join(format!("{number:0DIGITS$}-{}", slug(prompt)));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(anyhow!(error).context(cannot())),
            }
        }
    }
}

/// What a sweep would take from the facts: all, where the fact says in words what was traced. Elsewhere something that
/// no option selects, so that no command is shown that would trace something else.
fn selection(question: &Question, answer: u32, tracer: &Tracer) -> &'static str {
    let tokenizer = &tracer.model.lm.tokenizer;
    let is_said = says_subject(&question.prompt, tokenizer) && answer_in_words(answer, tokenizer).is_some();
    if is_said { "all" } else { "as marked in the explorer" }
}

/// The fact that a sweep would trace.
fn fact(question: &Question, answer: &str) -> Fact {
    Fact {
        known_id: 1,
        subject: question.prompt.subject.clone(),
        attribute: answer.trim().to_owned(),
        prompt: question.prompt.text.clone(),
        template: None,
        prediction: None,
        relation_id: None,
        relation: None,
        counterpart: question.counterpart.as_ref().map(|counterpart| counterpart.text.clone()),
        foil: None,
    }
}

/// Noise of a level by the level itself, since a sweep over the one fact would scale it by that fact's subject.
fn as_number(noise: &NoiseSource, method: &Method) -> NoiseSource {
    match (method, noise.subject_deviation) {
        (Method::Noise { level, .. }, Some(_)) => {
            NoiseSource { rule: level.to_string(), level: *level, subject_deviation: None, facts: None }
        }
        _ => noise.clone(),
    }
}

/// The largest number that a folder's name begins with.
fn last_number(root: &Path) -> Result<usize> {
    let mut last = 0;
    for entry in std::fs::read_dir(root)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let digits = name.split_once('-').map_or(&*name, |(digits, _)| digits);
        // What has more digits is somebody else's, and not to be counted on from.
        if let Ok(number) = digits.parse::<u32>() {
            last = last.max(number as usize);
        }
    }
    Ok(last)
}

/// The letters and digits of a text, for a name that every file system takes.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_ascii_lowercase();
        let room = SLUG.saturating_sub(slug.len() + usize::from(!slug.is_empty()));
        if word.len() > room && !slug.is_empty() {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word[..word.len().min(room)]);
    }
    if slug.is_empty() { "trace".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_short() {
        assert_eq!(slug("The Space Needle is in the city of"), "the-space-needle-is-in-the-city-of");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("埃菲尔铁塔"), "trace");
        assert_eq!(slug("\0<script>alert(1)</script>"), "script-alert-1-script");
        assert_eq!(slug(&"x".repeat(1000)).len(), SLUG);
        assert!(slug(&"word ".repeat(100)).len() <= SLUG);
    }

    #[test]
    fn numbers_go_on_from_the_largest() {
        let root = tempfile::tempdir().unwrap();
        let saves = Saves::new(root.path().join("a/b"));
        let names = || {
            let path = saves.new_folder("A prompt").unwrap();
            path.file_name().unwrap().to_string_lossy().into_owned()
        };
        assert_eq!([names(), names()], ["0001-a-prompt", "0002-a-prompt"]);
        for name in ["0041-x", "notes", "99999999999999999999-x", "42"] {
            std::fs::create_dir(saves.root().join(name)).unwrap();
        }
        assert_eq!(names(), "0043-a-prompt");
    }
}
