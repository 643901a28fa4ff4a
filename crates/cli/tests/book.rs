//! Every command in a block of the book's pages, and of the README, works as it stands.
//!
//! Comments in a page tell what a reader does not see; each holds for the next block:
//!
//!     <!-- tested with: --sample 24 -->     options that `sweep`, `calibrate` and `reproduce` are given too
//!     <!-- tested after: causal-trace … --> a command that is run before
//!     <!-- file: facts.csv -->              the block is a file of that name
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests: what is not run is printed")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use support::stderr;
use tempfile::tempdir;

/// Pages whose commands are run elsewhere.
const ELSEWHERE: [(&str, &str); 3] = [
    ("docs/cluster.md", "they need a cluster; tests/slurm and tests/workers.rs run theirs"),
    ("docs/experiments.md", "tests/reproduce.rs runs every experiment"),
    ("docs/reference.md", "tests/examples.rs runs the examples of the help"),
];

/// What stands in a page as a block, by its fence; of four spaces, `sh`.
#[derive(Debug, Default, PartialEq)]
struct Block {
    language: String,
    text: String,
    /// The comments since the block before: what they are, and what they say.
    notes: Vec<(String, String)>,
}

impl Block {
    fn note(&self, name: &str) -> Option<&str> {
        self.notes.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let (mut lines, mut blocks, mut notes) = (page.lines().peekable(), Vec::new(), Vec::new());
    let mut follows_text = false;
    while let Some(line) = lines.next() {
        let comment = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some((name, text)) = comment.and_then(|comment| comment.split_once(": ")) {
            notes.push((name.to_owned(), text.to_owned()));
        } else if let Some(language) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let (language, notes) = (language.to_owned(), std::mem::take(&mut notes));
            blocks.push(Block { language, text: inside.join("\n"), notes });
        } else if let Some(first) = line.strip_prefix("    ").filter(|_| !follows_text) {
            let mut text = first.to_owned();
            while let Some(next) = lines.next_if(|line| line.starts_with("    ")) {
                text = format!("{text}\n{}", &next[4..]);
            }
            blocks.push(Block { language: "sh".to_owned(), text, notes: std::mem::take(&mut notes) });
        }
        follows_text = !line.trim().is_empty();
    }
    blocks
}

/// The program's commands in a block, as words; other programs' are left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let whole = text.replace("\\\n", " ");
    let ours = whole.lines().filter(|line| line.split_whitespace().next() == Some("causal-trace"));
    ours.map(|line| shlex::split(line).unwrap()[1..].to_vec()).collect()
}

/// One page, read in a folder of its own.
struct Reader {
    page: String,
    folder: PathBuf,
    /// How many commands were run.
    run: usize,
    python: String,
}

impl Reader {
    fn command(&mut self, words: &[String], more: &str) {
        let shown = words.join(" ");
        let command = words.iter().find(|word| !word.starts_with('-') && !word.contains('='));
        match command.map(String::as_str) {
            // It never ends. What it is given is tried with the page, in a browser.
            Some("serve") => return,
            _ if words.iter().any(|word| word.ends_with("...") || word.contains('[')) => {
                println!("not run: {}: `{shown}` is a sketch", self.page);
                return;
            }
            _ => {}
        }
        let takes_long =
            ["sweep", "calibrate", "reproduce"].iter().any(|long| command.is_some_and(|it| it == long));
        let more = if takes_long && !words.iter().any(|word| word == "--list" || word == "--print") {
            more
        } else {
            ""
        };
        let own = words.iter().take_while(|word| *word != ">").map(String::as_str);
        let begun = Instant::now();
        let output = self.program(&own.chain(more.split_whitespace()).collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(0), "{}: `{shown}` {more}: {}", self.page, stderr(&output));
        println!("{:6.2} s  {}: {shown} {more}", begun.elapsed().as_secs_f64(), self.page);
        let to = words.iter().position(|word| word == ">").map(|at| &words[at + 1]);
        if let Some(to) = to.filter(|to| !to.starts_with('~')) {
            std::fs::write(self.folder.join(to), output.stdout).unwrap();
        }
        self.run += 1;
    }

    /// The program as the page's reader has it: with the defaults of the folder's file, not of a user's.
    fn program(&self, args: &[&str]) -> Output {
        let program = Command::new(assert_cmd::cargo::cargo_bin!("causal-trace"));
        let mut program = support::isolated(program, &self.folder);
        program.env_remove("CAUSAL_TRACE_CONFIG").env("XDG_CONFIG_HOME", self.folder.join("none"));
        program.args(args).output().unwrap()
    }

    fn block(&mut self, block: &Block) {
        if let Some(name) = block.note("file") {
            std::fs::write(self.folder.join(name), &block.text).unwrap();
        } else if block.language == "python" {
            self.python = format!("{}{}\n", self.python, block.text);
        } else if block.language == "sh" {
            for words in block.note("tested after").map_or_else(Vec::new, commands) {
                self.command(&words, "");
            }
            for words in commands(&block.text) {
                self.command(&words, block.note("tested with").unwrap_or_default());
            }
        }
    }

    /// All of a page's lines in Python, one after the other.
    fn python(&self) {
        let needs = "import duckdb, numpy, pandas, pyarrow";
        let python = std::env::var_os("CAUSAL_TRACE_PYTHON").unwrap_or_else(|| "python3".into());
        let run = |code: &str| Command::new(&python).args(["-c", code]).current_dir(&self.folder).output();
        if !run(needs).is_ok_and(|output| output.status.success()) {
            println!(
                "skipped: no Python with DuckDB, NumPy and pandas (set CAUSAL_TRACE_PYTHON); {} is not run",
                self.page
            );
            return;
        }
        let output = run(&self.python).unwrap();
        assert!(output.status.success(), "{}: {}", self.page, stderr(&output));
        println!("{}", support::stdout(&output));
    }
}

/// What pages speak of: models in folders, which are all the embedded one here, and ROME's facts, which are its facts.
fn prepare(folder: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    for name in ["gpt2-xl", "llama", "my-model"] {
        std::fs::create_dir(folder.join(name)).unwrap();
        for file in ["config.json", "model.safetensors", "tokenizer.json"] {
            std::fs::copy(demo.join("gpt2").join(file), folder.join(name).join(file)).unwrap();
        }
    }
    for name in ["known_1000", "known_1000.json"] {
        std::fs::copy(demo.join("facts.json"), folder.join(name)).unwrap();
    }
}

/// The pages that the book's summary lists, from the repository's root.
fn pages(root: &Path) -> Vec<String> {
    let summary = std::fs::read_to_string(root.join("docs/SUMMARY.md")).unwrap();
    let listed = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    listed.map(|page| format!("docs/{page}")).collect()
}

#[test]
fn every_command_of_the_book_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut run = 0;
    for page in std::iter::once("README.md".to_owned()).chain(pages(&root)) {
        if let Some((_, why)) = ELSEWHERE.iter().find(|(known, _)| *known == page) {
            println!("not run: {page}: {why}");
            continue;
        }
        let text = std::fs::read_to_string(root.join(&page)).unwrap();
        let folder = tempdir().unwrap();
        prepare(folder.path());
        let mut reader = Reader { page, folder: folder.path().to_owned(), run: 0, python: String::new() };
        for block in blocks(&text) {
            reader.block(&block);
        }
        if reader.page == "docs/tutorials/python.md" {
            reader.python();
        }
        run += reader.run;
    }
    assert!(run > 50, "only {run} commands were found");
}

#[test]
fn blocks_are_found_with_what_comments_say_of_them() {
    let page = "Text\n    more of it\n\n<!-- tested with: --limit 3 -->\n\n    causal-trace sweep \\\n        --out a   # why\n    cargo x\n\n\
                <!-- file: a.csv -->\n```csv\nid\n1\n```\nend\n\n```sh\ncausal-trace\n```\n";
    let blocks = blocks(page);
    assert_eq!(blocks.len(), 3, "{blocks:?}");
    assert_eq!(commands(&blocks[0].text), [["sweep", "--out", "a"]]);
    assert_eq!(blocks[0].note("tested with"), Some("--limit 3"));
    assert_eq!((blocks[1].note("file"), blocks[1].text.as_str()), (Some("a.csv"), "id\n1"));
    assert_eq!((commands(&blocks[2].text).len(), blocks[2].notes.len()), (1, 0));
}

/// What is written for the book's readers is in the book.
#[test]
fn the_summary_lists_every_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = pages(&root);
    for folder in ["docs", "docs/tutorials", "docs/decisions"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let page = format!("{folder}/{name}");
            let is_page = name.ends_with(".md") && name != "SUMMARY.md";
            assert!(!is_page || pages.contains(&page), "docs/SUMMARY.md does not list {page}");
        }
    }
}
