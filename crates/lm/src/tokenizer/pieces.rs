//! How a vocabulary writes its pieces, and their text.

use serde_json::Value;

/// The ways in which pieces stand for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceStyle {
    /// Every byte is written as one printable character (GPT-2: a space is `Ġ`).
    ByteLevel,
    /// A space is written as another character (SentencePiece: `▁`), odd bytes as `<0xE4>`.
    Spaced(char),
    /// Pieces are written as their text.
    Plain,
}

impl PieceStyle {
    /// Reads the style off the tokenizer's steps.
    pub(super) fn of(tokenizer: &tokenizers::Tokenizer) -> Self {
        let steps = [
            serde_json::to_value(tokenizer.get_decoder()),
            serde_json::to_value(tokenizer.get_pre_tokenizer()),
            serde_json::to_value(tokenizer.get_normalizer()),
        ];
        steps.iter().flatten().find_map(style_of_step).unwrap_or(PieceStyle::Plain)
    }

    /// Whether the pieces that begin a word contain the space before it.
    pub(super) fn words_begin_with_space(self) -> bool {
        self != PieceStyle::Plain
    }

    /// Whether a piece is written as the number of a byte.
    pub(super) fn is_byte(self, piece: &str) -> bool {
        matches!(self, PieceStyle::Spaced(_)) && byte_piece(piece).is_some()
    }

    /// The text of a piece.
    pub(super) fn text(self, piece: &str) -> String {
        match self {
            PieceStyle::ByteLevel => match piece.chars().map(byte_of_char).collect::<Option<Vec<u8>>>() {
                Some(bytes) => show_bytes(&bytes),
                None => piece.to_owned(),
            },
            PieceStyle::Spaced(space) => match byte_piece(piece) {
                Some(byte) => show_bytes(&[byte]),
                None => piece.replace(space, " "),
            },
            PieceStyle::Plain => piece.to_owned(),
        }
    }
}

/// The style that one step of the tokenizer, possibly made of several, gives away.
fn style_of_step(step: &Value) -> Option<PieceStyle> {
    match step {
        Value::Object(fields) => match fields.get("type").and_then(Value::as_str) {
            Some("ByteLevel") => Some(PieceStyle::ByteLevel),
            Some("Metaspace") => character(fields.get("replacement")?).map(PieceStyle::Spaced),
            Some("Replace") => style_of_replacement(fields),
            _ => fields.values().find_map(style_of_step),
        },
        Value::Array(steps) => steps.iter().find_map(style_of_step),
        _ => None,
    }
}

/// A space replaced by a character (as a normalizer does), or the other way round (as a decoder does).
fn style_of_replacement(fields: &serde_json::Map<String, Value>) -> Option<PieceStyle> {
    let pattern = fields.get("pattern")?.get("String")?;
    let content = fields.get("content")?;
    match (character(pattern)?, character(content)?) {
        (' ', space) | (space, ' ') => Some(PieceStyle::Spaced(space)),
        _ => None,
    }
}

/// The character of a string of one.
fn character(value: &Value) -> Option<char> {
    let mut characters = value.as_str()?.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// The byte that a character of GPT-2's alphabet stands for: printable Latin-1 characters stand for
/// themselves, the other bytes, in order, for the characters from U+0100 on.
fn byte_of_char(character: char) -> Option<u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match u32::from(character) {
        code @ 0..0x100 => u8::try_from(code).ok().filter(|&byte| printable(byte)),
        code => (0..=u8::MAX).filter(|&byte| !printable(byte)).nth(usize::try_from(code - 0x100).ok()?),
    }
}

/// The byte of a piece like `<0xE4>`.
fn byte_piece(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// Bytes as text, those that are not part of a whole character as `<0xE4>`.
fn show_bytes(bytes: &[u8]) -> String {
    let show = |chunk: std::str::Utf8Chunk<'_>| {
        let invalid: String = chunk.invalid().iter().map(|byte| format!("<0x{byte:02X}>")).collect();
        chunk.valid().to_owned() + &invalid
    };
    bytes.utf8_chunks().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_character() {
        let characters = (0..0x200).filter_map(char::from_u32);
        let mut bytes: Vec<u8> = characters.filter_map(byte_of_char).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=u8::MAX).collect::<Vec<_>>());
        assert_eq!(byte_of_char('Ġ'), Some(b' '));
        assert_eq!(byte_of_char('Ċ'), Some(b'\n'));
    }

    #[test]
    fn no_byte_of_a_piece_is_lost() {
        assert_eq!(PieceStyle::ByteLevel.text("ĠParis"), " Paris");
        assert_eq!(PieceStyle::ByteLevel.text("Ã¤"), "ä");
        assert_eq!(PieceStyle::ByteLevel.text("aÃ"), "a<0xC3>");
        assert_eq!(PieceStyle::Spaced('▁').text("▁Paris"), " Paris");
        assert_eq!(PieceStyle::Spaced('▁').text("<0xE4>"), "<0xE4>");
        assert_eq!(PieceStyle::Spaced('▁').text("<0x0A>"), "\n");
        assert_eq!(PieceStyle::Plain.text("##ing"), "##ing");
    }
}
