//! Facts of a table: CSV with a header, as spreadsheets write it.

use super::{Fact, FactsError};

/// The columns that a fact must have.
const NEEDED: [&str; 4] = ["known_id", "subject", "attribute", "prompt"];

/// Whether a text is such a table: its first line names the columns.
pub(super) fn is_table(text: &str) -> bool {
    let header = text.lines().next().unwrap_or_default();
    let separator = separator(header);
    let names: Vec<&str> =
        header.split(char::from(separator)).map(|name| name.trim().trim_matches('"')).collect();
    names.len() > 1 && NEEDED.iter().any(|needed| names.contains(needed))
}

/// Reads a row as one object with the header's names, where an empty cell is nothing.
pub(super) fn parse(text: &str) -> Result<Vec<Fact>, FactsError> {
    let header = text.lines().next().unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new().delimiter(separator(header)).from_reader(text.as_bytes());
    let failed = |error: csv::Error| FactsError::Table { reason: said(&error) };
    let names = reader.headers().map_err(failed)?.clone();
    let names: Vec<&str> = names.iter().map(str::trim).collect();
    if let Some(missing) = NEEDED.iter().find(|needed| !names.contains(needed)) {
        let reason = format!("its header has no column {missing} (it has {})", names.join(", "));
        return Err(FactsError::Table { reason });
    }
    reader
        .records()
        .map(|record| {
            let record = record.map_err(failed)?;
            let line = record.position().map_or(0, csv::Position::line);
            fact(&names, &record)
                .map_err(|reason| FactsError::Table { reason: format!("line {line}: {reason}") })
        })
        .collect()
}

fn fact(names: &[&str], record: &csv::StringRecord) -> Result<Fact, String> {
    let cell = |name: &str| {
        let column = names.iter().position(|&column| column == name)?;
        record.get(column).filter(|cell| !cell.is_empty()).map(str::to_owned)
    };
    let needed = |name: &str| cell(name).ok_or_else(|| format!("{name} is empty"));
    let id = needed("known_id")?;
    Ok(Fact {
        known_id: id.trim().parse().map_err(|_| format!("known_id '{id}' is not a whole number"))?,
        subject: needed("subject")?,
        attribute: needed("attribute")?,
        prompt: needed("prompt")?,
        template: cell("template"),
        prediction: cell("prediction"),
        relation_id: cell("relation_id"),
        relation: cell("relation"),
        counterpart: cell("counterpart"),
        foil: cell("foil"),
    })
}

/// Where a comma is the decimal sign, spreadsheets put semicolons between cells; others put tabs.
fn separator(header: &str) -> u8 {
    [b',', b';', b'\t'].into_iter().max_by_key(|&sign| (count(header, sign), sign == b',')).unwrap_or(b',')
}

fn count(header: &str, sign: u8) -> usize {
    header.bytes().filter(|&byte| byte == sign).count()
}

/// What is wrong, and where, without the crate's own words for it.
fn said(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!(
                "line {line}: {len} cells where the header has {expected_len} (a text with the separator in it needs quotes)"
            )
        }
        _ => error.to_string(),
    }
}
