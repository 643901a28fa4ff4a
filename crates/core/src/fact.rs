//! Facts in the form of ROME's `known_1000.json`, one JSON object a line, or CSV with a header.

mod table;

use serde::{Deserialize, Serialize};

/// A statement with a subject, and what should follow it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The number under which the fact file knows it.
    pub known_id: i64,
    /// What the statement is about, as it stands in the prompt.
    pub subject: String,
    /// The expected continuation.
    pub attribute: String,
    /// The text up to, not including, the attribute.
    pub prompt: String,
    /// The prompt with `{}` for the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What some model once said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<String>,
    /// Wikidata's property, as in `P30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation_id: Option<String>,
    /// The relation in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// The prompt of the corrupted run, for pairs: as many tokens as the prompt has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart: Option<String>,
    /// The continuation that the answer's logit is compared with, one token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foil: Option<String>,
}

/// Characters of what is no fact file that its error shows.
const BEGINNING: usize = 40;

/// Why a fact file could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// Neither a JSON list nor JSON Lines.
    #[error(
        "not a fact file: {source}; expected a JSON list of objects, one object a line, or CSV with a header, \
         with known_id, subject, attribute and prompt"
    )]
    Json {
        /// Where the JSON reader stopped.
        source: serde_json::Error,
    },
    /// A line of JSON Lines is wrong.
    #[error("line {line} of the fact file, column {}: {}", .fault.column(), said(.fault))]
    Line {
        /// Counts from 1.
        line: usize,
        /// Where the JSON reader stopped, which takes every line for the first. No source: all of it is said.
        fault: serde_json::Error,
    },
    /// It begins like none of these.
    #[error(
        "not a fact file: it begins with '{begins}'; expected a JSON list of objects, one object a line, or CSV with a \
         header, with known_id, subject, attribute and prompt"
    )]
    Unlike {
        /// Its first characters.
        begins: String,
    },
    /// A table's header or one of its rows is wrong.
    #[error("the table of facts: {reason}")]
    Table {
        /// What is wrong, and where.
        reason: String,
    },
    /// There is nothing in it.
    #[error("the fact file holds no facts")]
    Empty,
}

/// What a JSON reader says, without the place.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// Reads facts from the text of a JSON list (ROME's form), of JSON Lines, or of CSV with a header.
///
/// # Errors
/// When the text is none of these, or holds no fact.
pub fn parse_facts(text: &str) -> Result<Vec<Fact>, FactsError> {
    // Some editors begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let begins = text.trim_start();
    let facts = if begins.starts_with('[') {
        serde_json::from_str(text).map_err(|source| FactsError::Json { source })?
    } else if table::is_table(text) {
        table::parse(text)?
    } else if begins.is_empty() || begins.starts_with('{') {
        parse_lines(text)?
    } else {
        let first_line = begins.lines().next().unwrap_or_default();
        return Err(FactsError::Unlike { begins: first_line.chars().take(BEGINNING).collect() });
    };
    if facts.is_empty() { Err(FactsError::Empty) } else { Ok(facts) }
}

fn parse_lines(text: &str) -> Result<Vec<Fact>, FactsError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|fault| FactsError::Line { line: index + 1, fault })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACT: &str = r#"{"known_id": 3, "subject": "Oslo", "attribute": "Norway", "prompt": "Oslo is in", "relation_id": "P17"}"#;

    #[test]
    fn both_forms_are_read() {
        let list = parse_facts(&format!("[{FACT}]")).unwrap();
        let lines = parse_facts(&format!("{FACT}\n\n{FACT}\n")).unwrap();
        assert_eq!(list[0].subject, "Oslo");
        assert_eq!(parse_facts(&format!("\u{feff}[{FACT}]\r\n")).unwrap(), list);
        assert_eq!(lines, vec![list[0].clone(), list[0].clone()]);
    }

    #[test]
    fn a_table_says_the_same_as_json() {
        let wanted = parse_facts(&format!("[{FACT}]")).unwrap();
        let comma = "known_id,subject,attribute,prompt,relation_id,note\n3,Oslo,Norway,Oslo is in,P17,mine\n";
        for text in [
            comma.to_owned(),
            comma.replace(',', ";"),
            comma.replace(',', "\t"),
            comma.replace('\n', "\r\n"),
            format!("\u{feff}{comma}"),
            "\u{feff}\"known_id\",\"prompt\",\"subject\",\"attribute\",\"relation_id\",\"foil\"\r\n\r\n\
             3,\"Oslo is in\",Oslo,Norway,P17,\r\n"
                .to_owned(),
        ] {
            assert_eq!(parse_facts(&text).unwrap(), wanted, "{text:?}");
        }
        let quoted = "known_id,subject,attribute,prompt\n1,\"Rome, \"\"city\"\"\",Italy,\"Rome, \"\"city\"\", is in\"\n";
        assert_eq!(parse_facts(quoted).unwrap()[0].prompt, "Rome, \"city\", is in");
    }

    #[test]
    fn a_wrong_table_is_said_to_be_so() {
        let header = "known_id,subject,attribute,prompt\n";
        for (text, words) in [
            ("known_id,subject,prompt\n1,a,b\n".to_owned(), vec!["attribute", "known_id, subject, prompt"]),
            (format!("{header}1,Oslo,Norway,Oslo is in\nx,Oslo,Norway,Oslo is in\n"), vec!["line 3", "'x'"]),
            (format!("{header}1,Oslo,,Oslo is in\n"), vec!["line 2", "attribute is empty"]),
            (format!("{header}1,Oslo,Norway,Oslo, it is in\n"), vec!["line 2", "5 cells", "quotes"]),
        ] {
            let error = parse_facts(&text).unwrap_err().to_string();
            words.iter().for_each(|word| assert!(error.contains(word), "'{word}' is not in: {error}"));
        }
        assert!(matches!(parse_facts(header), Err(FactsError::Empty)));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = parse_facts(&format!("{FACT}\n{{\"subject\": 1}}\n")).unwrap_err();
        assert!(error.to_string().starts_with("line 2 of the fact file, column 13: invalid type"), "{error}");
        assert!(!error.to_string().contains("line 1"), "{error}");
        assert!(std::error::Error::source(&error).is_none(), "it would be said twice");
        let unlike = parse_facts("name,place\nOslo,Norway\n").unwrap_err().to_string();
        assert!(unlike.contains("begins with 'name,place'") && unlike.contains("known_id"), "{unlike}");
        assert!(matches!(parse_facts("[]"), Err(FactsError::Empty)));
        assert!(matches!(parse_facts("[1"), Err(FactsError::Json { .. })));
    }
}
