//! Texts made fit to be shown: invisible characters made visible, long ones shortened.

use unicode_width::UnicodeWidthChar;

/// What a shortened text ends in.
const ELLIPSIS: char = '…';

/// What a combining mark stands on when a token begins with one.
const DOTTED_CIRCLE: char = '◌';

/// A token as a label: without the spaces around it, unless it is nothing else.
pub(crate) fn visible(token: &str) -> String {
    let inner = token.trim_matches(' ');
    if token.is_empty() {
        return "\"\"".to_owned();
    }
    if inner.is_empty() {
        return "␣".repeat(token.len());
    }
    let text = clean(inner);
    let begins_with_mark = text.chars().next().is_some_and(|first| first.width() == Some(0));
    if begins_with_mark { format!("{DOTTED_CIRCLE}{text}") } else { text }
}

/// A text without characters that break a line, a terminal or an XML file: each is replaced by a sign or by its
/// code as in `\u{200b}`.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => clean.push('↵'),
            '\t' => clean.push('⇥'),
            _ if is_invisible(character) => push_code(&mut clean, character),
            _ => clean.push(character),
        }
    }
    clean
}

/// Appends a character's code as in `\u{4e2d}`.
pub(crate) fn push_code(text: &mut String, character: char) {
    text.extend(character.escape_unicode());
}

fn is_invisible(character: char) -> bool {
    let is_format = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    let is_noncharacter = u32::from(character) & 0xfffe == 0xfffe;
    let is_odd_space = character.is_whitespace() && character != ' ';
    character.is_control() || is_format || is_noncharacter || is_odd_space
}

/// The text, or as much of its beginning as `most` holds together with an ellipsis.
pub(crate) fn shorten(text: &str, most: f32, measure: impl Fn(&str) -> f32) -> String {
    if measure(text) <= most {
        return text.to_owned();
    }
    let mut short = text.to_owned();
    while short.pop().is_some() {
        let candidate = format!("{}{ELLIPSIS}", short.trim_end());
        if measure(&candidate) <= most {
            return candidate;
        }
    }
    ELLIPSIS.to_string()
}

/// The text in lines of at most `most`, broken at spaces; a word that is longer is shortened.
pub(crate) fn wrap(text: &str, most: f32, measure: impl Fn(&str) -> f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = shorten(word, most, &measure);
        match lines.last_mut() {
            Some(line) if measure(&format!("{line} {word}")) <= most => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// As [`wrap`], and lines may also break after hyphens: for names in narrow columns.
pub(crate) fn wrap_at_hyphens(text: &str, most: f32, measure: impl Fn(&str) -> f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        for (index, piece) in word.split_inclusive('-').enumerate() {
            let space = if index == 0 { " " } else { "" };
            match lines.last_mut() {
                Some(line) if measure(&format!("{line}{space}{piece}")) <= most => {
                    line.push_str(space);
                    line.push_str(piece);
                }
                _ => lines.push(shorten(piece, most, &measure)),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> f32 {
        text.chars().count() as f32
    }

    #[test]
    fn whitespace_and_control_characters_become_visible() {
        let shown = [" Seattle", "\n", "  ", "", "\t", "\r", " a\nb ", "\u{1b}[0m", "\u{200b}", "\u{a0}"]
            .map(visible);
        let expected =
            ["Seattle", "↵", "␣␣", "\"\"", "⇥", "\\u{d}", "a↵b", "\\u{1b}[0m", "\\u{200b}", "\\u{a0}"];
        assert_eq!(shown, expected);
        assert_eq!(visible("\u{301}"), "◌\u{301}");
        assert_eq!(visible(" 中"), "中");
    }

    #[test]
    fn long_texts_keep_their_beginning() {
        assert_eq!(shorten("transformer", 11.0, count), "transformer");
        assert_eq!(shorten("transformers", 6.0, count), "trans…");
        assert_eq!(shorten("to be", 4.0, count), "to…");
        assert_eq!(shorten("word", 0.0, count), "…");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two  three", 7.0, count), ["one two", "three"]);
        assert_eq!(wrap("unbreakable x", 5.0, count), ["unbr…", "x"]);
        assert!(wrap("", 5.0, count).is_empty());
    }

    #[test]
    fn names_break_after_hyphens_too() {
        assert_eq!(wrap_at_hyphens("second-to-last token", 10.0, count), ["second-to-", "last token"]);
        assert_eq!(wrap_at_hyphens("a b-c", 9.0, count), ["a b-c"]);
        assert_eq!(wrap_at_hyphens("unbreakable", 5.0, count), ["unbr…"]);
    }
}
