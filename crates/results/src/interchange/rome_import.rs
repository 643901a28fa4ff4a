//! Reads a folder of ROME's case files, its own or exported ones, into records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use causal_trace_core::{Component, Direction, Fact, RoleConvention, Window};
use sha2::{Digest, Sha256};

use super::case_grid::grid_of;
use super::rome_export::file_name;
use crate::{
    ArrayFileError, Case, CaseDetails, CaseFile, FORMAT, FORMAT_VERSION, FactsIdentity, Manifest,
    ModelIdentity, Outcome, PromptRecord, Settings, Skip, SkipReason, SkippedCase, Target, TracedPrompt,
};

/// How many facts a part of the imported folder holds.
const FACTS_PER_PART: usize = 64;

/// How far p and p* of one fact's components may lie apart: a GPU does not repeat its sums to the bit.
const SAME_PROBABILITY: f64 = 1e-4;

/// Why a folder of case files cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The system refused.
    #[error("cannot read the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// There is no case file.
    #[error(
        "{} holds no case file: expected names as knowledge_0.npz, knowledge_0_mlp.npz, knowledge_0_attn.npz \
         (ROME keeps them in a folder named cases)",
        path.display()
    )]
    NoCases {
        /// The folder.
        path: PathBuf,
    },
    /// A case file cannot be read.
    #[error(transparent)]
    Case(#[from] ArrayFileError),
    /// A fact has files for some components only.
    #[error(
        "{} is missing, though other facts have that component: trace the fact again, or take its other files \
         out of the folder",
        path.display()
    )]
    MissingComponent {
        /// The file that should be there.
        path: PathBuf,
    },
    /// A file's content is not what its name or its other content says.
    #[error("{}: {problem}", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What does not agree.
        problem: String,
    },
    /// Two files that should have something in common do not.
    #[error("{} and {} differ in {what}: they are not of one run", first.display(), second.display())]
    Mismatch {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Where they differ, for a person.
        what: String,
    },
    /// All facts were skipped, so that not even the number of layers is known.
    #[error("{}: all {n_facts} facts are skipped (correct_prediction is False): nothing to import", path.display())]
    NothingTraced {
        /// The folder.
        path: PathBuf,
        /// How many there are.
        n_facts: usize,
    },
}

/// Reads all case files of a folder, in the order of their facts' ids.
///
/// Files with other names are passed over. A file without numbers, whose `correct_prediction` is False, becomes a
/// skipped fact. Effects that a file states are taken as they are; else they are computed from its samples, else
/// from its means. The manifest says what the files say: ROME's know neither the noise nor the facts' file.
///
/// # Errors
/// When the folder or a file cannot be read, a fact lacks a component that others have, or files contradict
/// each other.
pub fn import_rome(dir: &Path, model_name: &str) -> Result<(Manifest, Vec<PromptRecord>), ImportError> {
    let files = case_files(dir)?;
    let components: BTreeSet<Component> = files.values().flat_map(BTreeMap::keys).copied().collect();
    let mut run = Run::default();
    let mut records = Vec::with_capacity(files.len());
    for (&known_id, paths) in &files {
        if let Some(&missing) = components.iter().find(|component| !paths.contains_key(component)) {
            return Err(ImportError::MissingComponent { path: dir.join(file_name(known_id, missing)) });
        }
        records.push(read_record(known_id, paths, &mut run)?);
    }
    let Some(common) = run.common else {
        return Err(ImportError::NothingTraced { path: dir.to_owned(), n_facts: records.len() });
    };
    let facts = FactsIdentity {
        name: dir.display().to_string(),
        sha256: Some(sum_of(&files)?),
        n_facts: records.len(),
        selection: "imported".to_owned(),
    };
    let target = if run.other_answers { Target::Attribute } else { Target::Predicted };
    let parts = records.chunks(FACTS_PER_PART).map(<[_]>::len).collect();
    let settings = Settings {
        components: components.into_iter().collect(),
        window: common.window,
        residual_window: common.residual_window,
        metrics: Vec::new(),
        roles: RoleConvention::Rome,
        counterparts: None,
        direction: common.direction,
        corruption: None,
        noise: None,
        engine: None,
        precision: None,
    };
    let model = ModelIdentity::named(model_name, common.n_layers);
    let program = format!("causal-trace {}", env!("CARGO_PKG_VERSION"));
    let (format, format_version) = (FORMAT.to_owned(), FORMAT_VERSION);
    let manifest =
        Manifest { format, format_version, program, model, facts: vec![facts], target, settings, parts };
    Ok((manifest, records))
}

/// SHA-256 over the names and the bytes of all case files, by fact and component: other files are other facts.
fn sum_of(files: &BTreeMap<i64, CasePaths>) -> Result<String, ImportError> {
    let mut sum = Sha256::new();
    for (&known_id, paths) in files {
        for (&component, path) in paths {
            let unreadable = |source| ArrayFileError::Read { path: path.clone(), source };
            let bytes = std::fs::read(path).map_err(unreadable)?;
            sum.update(file_name(known_id, component));
            sum.update(bytes.len().to_le_bytes());
            sum.update(bytes);
        }
    }
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

type CasePaths = BTreeMap<Component, PathBuf>;

fn case_files(dir: &Path) -> Result<BTreeMap<i64, CasePaths>, ImportError> {
    let refused = |source| ImportError::Folder { path: dir.to_owned(), source };
    let mut files: BTreeMap<i64, CasePaths> = BTreeMap::new();
    for entry in std::fs::read_dir(dir).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        if let Some((known_id, component)) = entry.file_name().to_str().and_then(parse_name) {
            files.entry(known_id).or_default().insert(component, entry.path());
        }
    }
    match files.is_empty() {
        true => Err(ImportError::NoCases { path: dir.to_owned() }),
        false => Ok(files),
    }
}

fn parse_name(name: &str) -> Option<(i64, Component)> {
    let stem = name.strip_prefix("knowledge_")?.strip_suffix(".npz")?;
    let (id, suffix) = stem.split_at(stem.find('_').unwrap_or(stem.len()));
    let component = Component::ALL.into_iter().find(|component| component.file_suffix() == suffix)?;
    let id = id.parse().ok()?;
    // 007 and +7 are other names for 7, under which ROME saves nothing.
    (file_name(id, component) == name).then_some((id, component))
}

/// What all files have to agree in.
#[derive(Debug, Default)]
struct Run {
    common: Option<Common>,
    other_answers: bool,
}

#[derive(Debug)]
struct Common {
    n_layers: usize,
    window: Window,
    residual_window: Window,
    direction: Direction,
    path: PathBuf,
}

impl Run {
    /// Takes note of a file, which must agree with those before.
    fn meets(&mut self, case: &CaseFile, path: &Path) -> Result<Direction, ImportError> {
        let layers = |width: i64| Window { width: usize::try_from(width).unwrap_or(1) };
        let (window, residual_window) = (layers(case.window), layers(case.residual_window));
        let direction = case.details.as_ref().map_or(Direction::Denoise, |details| details.direction);
        let n_layers = case.n_layers;
        self.other_answers |= !case.correct_prediction;
        let common = self.common.get_or_insert_with(|| Common {
            n_layers,
            window,
            residual_window,
            direction,
            path: path.to_owned(),
        });
        let different = if common.n_layers != n_layers {
            format!("the number of layers ({} and {n_layers})", common.n_layers)
        } else if common.window != window {
            format!("the window ({} and {} layers)", common.window.width, window.width)
        } else if common.residual_window != residual_window {
            let first = common.residual_window.width;
            format!("the window of the residual stream ({first} and {} layers)", residual_window.width)
        } else if common.direction != direction {
            format!("the direction ({} and {direction})", common.direction)
        } else {
            return Ok(direction);
        };
        Err(ImportError::Mismatch { first: common.path.clone(), second: path.to_owned(), what: different })
    }
}

fn read_record(known_id: i64, paths: &CasePaths, run: &mut Run) -> Result<PromptRecord, ImportError> {
    let mut first: Option<(&PathBuf, Case)> = None;
    let mut grids = Vec::new();
    for (&component, path) in paths {
        let case = Case::read(path)?;
        check_details(known_id, path, &case)?;
        if let Case::Traced(case) = &case {
            if case.component != component {
                let problem = format!("its kind is '{}', not what its name says", case.component.rome_kind());
                return Err(ImportError::Contradiction { path: path.clone(), problem });
            }
            grids.push(grid_of(case, run.meets(case, path)?));
        }
        match &first {
            None => first = Some((path, case)),
            Some((first_path, first)) => {
                if let Some(what) = difference(first, &case) {
                    let (first, second) = ((*first_path).clone(), path.clone());
                    return Err(ImportError::Mismatch { first, second, what: what.to_owned() });
                }
            }
        }
    }
    Ok(match first {
        Some((_, Case::Traced(case))) => traced_record(known_id, *case, grids),
        Some((_, Case::Skipped(case))) => skipped_record(known_id, *case),
        None => skipped_record(known_id, SkippedCase { details: None }),
    })
}

fn check_details(known_id: i64, path: &Path, case: &Case) -> Result<(), ImportError> {
    let (details, n_tokens) = match case {
        Case::Traced(case) => (&case.details, Some(case.input_tokens.len())),
        Case::Skipped(case) => (&case.details, None),
    };
    let Some(details) = details else { return Ok(()) };
    let wrong = |problem| Err(ImportError::Contradiction { path: path.to_owned(), problem });
    let (named, n_named) = (details.fact.known_id, details.tokens.len());
    if named != known_id {
        return wrong(format!("its details are of fact {named}, its name says {known_id}"));
    }
    match n_tokens {
        Some(n_tokens) if n_tokens != n_named => {
            wrong(format!("it has {n_tokens} tokens, but {n_named} in its details"))
        }
        _ => Ok(()),
    }
}

/// Where two components of one fact contradict each other.
fn difference(first: &Case, second: &Case) -> Option<&'static str> {
    let (first, second) = match (first, second) {
        (Case::Traced(first), Case::Traced(second)) => (first, second),
        (Case::Skipped(first), Case::Skipped(second)) => return (first != second).then_some("the details"),
        _ => return Some("whether the prediction is correct"),
    };
    let apart = |first: f64, second: f64| (first - second).abs() > SAME_PROBABILITY;
    let differences = [
        (first.input_tokens != second.input_tokens, "the tokens"),
        (first.input_ids != second.input_ids, "the token ids"),
        (first.subject != second.subject, "the subject's tokens"),
        (first.answer != second.answer, "the answer"),
        (apart(first.high_score, second.high_score), "the clean probability (high_score)"),
        (apart(first.low_score, second.low_score), "the corrupted probability (low_score)"),
        (first.corrupted_samples != second.corrupted_samples, "the corrupted samples"),
        (first.noise_level != second.noise_level, "the noise level"),
        (first.correct_prediction != second.correct_prediction, "whether the prediction is correct"),
        (first.details != second.details, "the details"),
    ];
    differences.into_iter().find_map(|(differs, what)| differs.then_some(what))
}

fn traced_record(known_id: i64, case: CaseFile, grids: Vec<crate::EffectGrid>) -> PromptRecord {
    let fact = match &case.details {
        Some(details) => details.fact.clone(),
        None => fact_of(known_id, &case),
    };
    let details = case.details.unwrap_or_else(|| CaseDetails {
        fact: fact.clone(),
        tokens: case.input_tokens,
        subject_occurrences: 0,
        direction: Direction::Denoise,
        counterpart: None,
        answer: None,
        foil: None,
        skipped: None,
    });
    let answer_id = details.answer.as_ref().and_then(|answer| answer.id);
    PromptRecord {
        fact,
        // The reader has checked that they are token ids.
        ids: case.input_ids.into_iter().filter_map(|id| u32::try_from(id).ok()).collect(),
        tokens: details.tokens,
        subject: case.subject,
        subject_occurrences: details.subject_occurrences,
        counterpart: details.counterpart,
        outcome: Outcome::Traced(TracedPrompt {
            answer: details.answer.map_or(case.answer, |answer| answer.text),
            answer_id,
            correct_prediction: case.correct_prediction,
            clean: case.high_score,
            corrupted: case.low_score,
            corrupted_samples: case.corrupted_samples,
            noise_level: case.noise_level,
            foil: details.foil.and_then(|foil| Some((foil.text, foil.id?))),
            others: Vec::new(),
            grids,
        }),
    }
}

/// What ROME's keys tell of a fact: its prompt is its tokens, its attribute the answer.
fn fact_of(known_id: i64, case: &CaseFile) -> Fact {
    let subject = case.subject.map(|subject| case.input_tokens[subject.range()].concat());
    Fact {
        known_id,
        subject: subject.unwrap_or_default().trim().to_owned(),
        attribute: case.answer.trim().to_owned(),
        prompt: case.input_tokens.concat(),
        template: None,
        prediction: None,
        relation_id: None,
        relation: None,
        counterpart: None,
        foil: None,
    }
}

fn skipped_record(known_id: i64, case: SkippedCase) -> PromptRecord {
    let outcome = |detail: String| Outcome::Skipped(Skip { reason: SkipReason::WrongPrediction, detail });
    let Some(details) = case.details else {
        let unknown = String::new();
        let fact = Fact {
            known_id,
            subject: unknown.clone(),
            attribute: unknown.clone(),
            prompt: unknown,
            template: None,
            prediction: None,
            relation_id: None,
            relation: None,
            counterpart: None,
            foil: None,
        };
        return PromptRecord {
            fact,
            ids: Vec::new(),
            tokens: Vec::new(),
            subject: None,
            subject_occurrences: 0,
            counterpart: None,
            outcome: outcome("the case file says that the prediction is not correct, and no more".to_owned()),
        };
    };
    let skipped = details.skipped;
    PromptRecord {
        fact: details.fact,
        ids: skipped.as_ref().map(|skipped| skipped.ids.clone()).unwrap_or_default(),
        tokens: details.tokens,
        subject: skipped.as_ref().and_then(|skipped| skipped.subject),
        subject_occurrences: details.subject_occurrences,
        counterpart: details.counterpart,
        outcome: outcome(skipped.map(|skipped| skipped.detail).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_rome_s() {
        assert_eq!(parse_name("knowledge_0.npz"), Some((0, Component::Residual)));
        assert_eq!(parse_name("knowledge_12_mlp.npz"), Some((12, Component::Mlp)));
        assert_eq!(parse_name("knowledge_-3_attn.npz"), Some((-3, Component::Attention)));
        for component in Component::ALL {
            assert_eq!(parse_name(&file_name(5, component)), Some((5, component)));
        }
        for other in
            ["knowledge_07.npz", "knowledge_.npz", "knowledge_1_x.npz", "knowledge_1.npy", "meta.json"]
        {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }
}
