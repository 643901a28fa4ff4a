//! A guess at what a prompt is about, for the reader to correct.

use std::ops::Range;

/// Words that stand before names without being part of them, where a sentence begins with a capital letter.
const OPENINGS: [&str; 34] = [
    "A", "An", "And", "Are", "As", "At", "But", "By", "Did", "Do", "Does", "For", "From", "He", "How", "I",
    "If", "In", "Is", "It", "Of", "On", "She", "That", "They", "This", "To", "Was", "We", "What", "When",
    "Where", "Who", "Why",
];
/// Small words within names.
const JOINTS: [&str; 16] =
    ["of", "the", "and", "&", "de", "del", "della", "der", "di", "du", "la", "le", "van", "von", "da", "y"];

/// The longest known subject that stands in the prompt as whole words; else the longest run of words with capital
/// letters ("The Lord of the Rings", but not the "In" that begins a sentence). None where there is neither, as in
/// scripts without capitals.
pub(super) fn guess<'a>(prompt: &'a str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let is_there = |subject: &&str| !subject.trim().is_empty() && stands_alone(prompt, subject);
    let longest = |best: &'a str, next: &'a str| if next.len() > best.len() { next } else { best };
    known.filter(is_there).reduce(longest).or_else(|| name(prompt))
}

/// Whether a text stands in another with no letter or digit beside it, the first time it occurs: that is where it would
/// be marked.
fn stands_alone(prompt: &str, subject: &str) -> bool {
    let Some(start) = prompt.find(subject) else { return false };
    let before = prompt[..start].chars().next_back();
    let after = prompt[start + subject.len()..].chars().next();
    ![before, after].into_iter().flatten().any(char::is_alphanumeric)
}

/// The longest run of words with capital letters; the first of equals.
fn name(prompt: &str) -> Option<&str> {
    let words = words(prompt);
    let mut best: Option<Range<usize>> = None;
    let mut first = 0;
    while first < words.len() {
        let Some(run) = run_from(prompt, &words[first..]) else {
            first += 1;
            continue;
        };
        first += run.n_words;
        if best.as_ref().is_none_or(|best| run.place.len() > best.len()) {
            best = Some(run.place);
        }
    }
    best.map(|place| &prompt[place])
}

struct Run {
    place: Range<usize>,
    n_words: usize,
}

/// The name that begins with the first of some words, if one does.
fn run_from(prompt: &str, words: &[Range<usize>]) -> Option<Run> {
    let text = |word: &Range<usize>| &prompt[word.clone()];
    let first = words.first().filter(|word| is_capitalised(text(word)) && !OPENINGS.contains(&text(word)))?;
    let mut n_words = 1;
    for (index, pair) in words.windows(2).enumerate() {
        // Whatever stands between words but white space ends a name.
        if !prompt[pair[0].end..pair[1].start].trim().is_empty() {
            break;
        }
        if is_capitalised(text(&pair[1])) {
            n_words = index + 2;
        } else if !JOINTS.contains(&text(&pair[1])) {
            break;
        }
    }
    // An article by itself is no name.
    if n_words == 1 && text(first) == "The" {
        return None;
    }
    let last = &words[n_words - 1];
    let end = last.end - possessive(text(last));
    Some(Run { place: first.start..end, n_words })
}

/// The words without the punctuation around them, as places in the text.
fn words(prompt: &str) -> Vec<Range<usize>> {
    let place = |word: &str| word.as_ptr() as usize - prompt.as_ptr() as usize;
    let words =
        prompt.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '&'));
    words.filter(|word| !word.is_empty()).map(|word| place(word)..place(word) + word.len()).collect()
}

fn is_capitalised(word: &str) -> bool {
    word.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit())
}

/// Bytes of the ending that makes a name an owner.
fn possessive(word: &str) -> usize {
    ["'s", "’s"].into_iter().find(|ending| word.ends_with(ending)).map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(prompt: &str) -> Option<&str> {
        guess(prompt, ["France", "New York", "York", "New York City", " ", ""].into_iter())
    }

    #[test]
    fn known_subjects_come_first_the_longest_of_them() {
        assert_eq!(
            guessed("The mayor of New York City lives in Gracie Mansion Gardens"),
            Some("New York City")
        );
        assert_eq!(guessed("York is in"), Some("York"));
        assert_eq!(guessed("the capital of France, Paris"), Some("France"));
        // Not within words.
        assert_eq!(guessed("Yorkshire is in"), Some("Yorkshire"));
    }

    #[test]
    fn names_are_runs_of_words_with_capitals() {
        for (prompt, expected) in [
            ("The Space Needle is in the city of", Some("The Space Needle")),
            ("The mother tongue of Danielle Darrieux is", Some("Danielle Darrieux")),
            ("In Paris, Claude Monet was born", Some("Claude Monet")),
            ("The Lord of the Rings was written by", Some("The Lord of the Rings")),
            ("Apple's headquarters are in", Some("Apple")),
            ("Where was Ludwig van Beethoven born?", Some("Ludwig van Beethoven")),
            ("\"Boeing 747\" is made by", Some("Boeing 747")),
            ("Toko Yasuda, the", Some("Toko Yasuda")),
            ("Élodie lives", Some("Élodie")),
            ("It is", None),
            ("the", None),
            ("The", None),
            ("", None),
            ("埃菲尔铁塔位于", None),
            ("برج إيفل في", None),
            ("... !!! \0 \u{202e}", None),
        ] {
            assert_eq!(guessed(prompt), expected, "{prompt}");
        }
    }
}
