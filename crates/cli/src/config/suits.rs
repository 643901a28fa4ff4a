//! Defaults that would make a command line wrong by themselves.

use clap::ArgMatches;

/// Whether a default has a meaning beside what was typed; `settings::check` refuses the same where it is typed.
pub(super) fn suits(key: &str, typed: &ArgMatches) -> bool {
    let word = |option: &str| typed.try_get_raw(option).ok().flatten()?.next()?.to_str();
    let is_pair = word("counterpart").is_some() || matches!(word("corruption"), Some("swap" | "pair"));
    let is_noise = !is_pair && word("corruption").is_none_or(|kind| kind == "noise");
    match key {
        "noise" => is_noise,
        "samples" => !is_pair,
        "noise-stream" => word("fresh_noise") != Some("true"),
        _ => true,
    }
}
