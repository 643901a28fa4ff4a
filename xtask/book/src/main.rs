//! Builds the book from `docs` and checks every link in it: `cargo xtask book` starts this.

mod links;
mod outside;

use std::path::Path;

use anyhow::{Result, bail};
use mdbook_driver::MDBook;

use outside::LinksOutside;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let mut book = MDBook::load(&root)?;
    book.with_preprocessor(LinksOutside { root: root.clone() });
    book.build()?;
    let built = root.join(&book.config.build.build_dir);
    let found = links::check(&built)?;
    if !found.faults.is_empty() {
        bail!("links that lead nowhere, in {}:\n{}", built.display(), found.faults.join("\n"));
    }
    println!(
        "{} pages, {} links and pictures, all of which lead somewhere: {}",
        found.pages,
        found.links,
        built.join("index.html").display()
    );
    Ok(())
}
