//! The word that somebody may have meant.

/// The word that is most like another, if any is.
pub(crate) fn nearest<'a>(given: &str, words: &[&'a str]) -> Option<&'a str> {
    let likeness = |word: &&str| strsim::jaro_winkler(given, word);
    let best = words.iter().copied().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(&best) > 0.8).then_some(best)
}
