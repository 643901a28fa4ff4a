//! Reading what `cargo test -- --show-output` writes, and the page's tests in the same form: shorter to read, and with
//! the skipped tests counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How a test says on standard output that it checked less than its name promises.
const SKIPPED: &str = "skipped:";

/// What was counted over all test programs.
#[derive(Default)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    /// The tests of each reason for skipping.
    skipped: BTreeMap<String, BTreeSet<String>>,
}

/// Reads line by line; [`Reader::line`] returns those worth showing.
#[derive(Default)]
pub(crate) struct Reader {
    /// What was counted so far.
    pub(crate) tally: Tally,
    part: Part,
    /// The test whose output is being read.
    test: String,
}

/// Where in a test program's output a line stands.
#[derive(Default, PartialEq)]
enum Part {
    #[default]
    Progress,
    OutputOfPassed,
    OutputOfFailed,
}

impl Reader {
    /// Takes the next line in; returns it if it should be seen.
    pub(crate) fn line<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        match line {
            "successes:" => self.part = Part::OutputOfPassed,
            "failures:" => self.part = Part::OutputOfFailed,
            _ => {}
        }
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            name.clone_into(&mut self.test);
        }
        if let Some(reason) = line.trim_start().strip_prefix(SKIPPED) {
            self.tally.skip(reason.trim(), &self.test);
        }
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.part = Part::Progress;
            self.tally.add(counts);
            return Some(line);
        }
        match self.part {
            Part::Progress => self.progress(line).then_some(line),
            Part::OutputOfPassed => None,
            Part::OutputOfFailed => Some(line),
        }
    }

    /// Whether a line between outputs should be seen: all but the tests that passed.
    fn progress(&mut self, line: &str) -> bool {
        if let Some((test, reason)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ignored"))
        {
            let reason = reason.trim_start_matches(", ");
            self.tally.skip(if reason.is_empty() { "ignored" } else { reason }, test);
        }
        let passed = line.starts_with("test ") && line.ends_with(" ... ok");
        let count = line.starts_with("running ") && (line.ends_with(" test") || line.ends_with(" tests"));
        !(passed || count || line.is_empty())
    }
}

impl Tally {
    /// Adds the counts of a line such as `ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, counts: &str) {
        let words: Vec<&str> = counts.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                _ => {}
            }
        }
    }

    /// Counts one test that is no test program's, and says why it failed; whether it passed.
    pub(crate) fn count(&mut self, test: &str, outcome: Result<(), String>) -> bool {
        match &outcome {
            Ok(()) => self.passed += 1,
            Err(why) => {
                self.failed += 1;
                println!("{test}: FAILED\n{why}");
            }
        }
        outcome.is_ok()
    }

    /// Counts a test that checked less than its name promises.
    pub(crate) fn skip(&mut self, reason: &str, test: &str) {
        self.skipped.entry(reason.to_owned()).or_default().insert(test.to_owned());
    }

    /// What was skipped and for want of what, then the counts.
    pub(crate) fn summary(&self, missing: &[String]) -> String {
        let mut text = String::new();
        for tool in missing {
            let _ = writeln!(text, "missing: {tool}");
        }
        for (reason, tests) in &self.skipped {
            let names: Vec<&str> = tests.iter().map(String::as_str).collect();
            let _ = writeln!(text, "skipped: {reason}\n  wholly or in part: {}", names.join(", "));
        }
        if self.skipped.is_empty() {
            text.push_str("Nothing was skipped.\n");
        }
        let _ = writeln!(text, "{} passed, {} failed", self.passed, self.failed);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
     Running unittests src/lib.rs (target/release/deps/engine-1)

running 4 tests
test one ... ok
test two ... ok
test slow ... ignored, takes an hour
test four ... FAILED

successes:

---- two stdout ----
noise
skipped: no such tool


successes:
    one
    two

failures:

---- four stdout ----
assertion failed

failures:
    four

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn passing_tests_are_hidden_and_failures_shown() {
        let mut reader = Reader::default();
        let shown: Vec<&str> = OUTPUT.lines().filter_map(|line| reader.line(line)).collect();
        for expected in ["Running unittests src/lib.rs (target/release/deps/engine-1)", "assertion failed"] {
            assert!(shown.contains(&expected), "{shown:?}");
        }
        assert!(shown.last().is_some_and(|line| line.starts_with("test result: FAILED. 2 passed")));
        for hidden in ["test one ... ok", "noise", "running 4 tests"] {
            assert!(!shown.contains(&hidden), "{shown:?}");
        }
    }

    #[test]
    fn the_summary_names_what_was_skipped() {
        let mut reader = Reader::default();
        for line in OUTPUT.lines() {
            reader.line(line);
        }
        assert_eq!(
            reader.tally.summary(&["a tool: not here".to_owned()]),
            "missing: a tool: not here\n\
             skipped: no such tool\n  wholly or in part: two\n\
             skipped: takes an hour\n  wholly or in part: slow\n\
             2 passed, 1 failed\n"
        );
    }
}
