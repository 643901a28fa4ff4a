//! Every link, picture, script and style sheet of the built book that is not on the web.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What was found.
pub(crate) struct Found {
    pub(crate) pages: usize,
    pub(crate) links: usize,
    /// Page and target of each link that leads nowhere.
    pub(crate) faults: Vec<String>,
}

/// Reads all pages below `built`.
pub(crate) fn check(built: &Path) -> Result<Found> {
    let mut pages = BTreeMap::new();
    read(built, &mut pages)?;
    // Each page's own anchors, and none but those.
    let anchors: BTreeMap<&PathBuf, BTreeSet<&str>> =
        pages.iter().map(|(path, text)| (path, values(text, "id").collect())).collect();
    let (mut links, mut faults) = (0, Vec::new());
    for (page, text) in &pages {
        // The page for lost readers is shown at any address, so that its links begin at the site's root.
        if page.ends_with("404.html") {
            continue;
        }
        for target in values(text, "href").chain(values(text, "src")) {
            if target.contains("://") || target.starts_with("mailto:") || target.starts_with("data:") {
                continue;
            }
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { normal(page, file) };
            let leads = match anchors.get(&path) {
                Some(known) => anchor.is_empty() || known.contains(anchor),
                None => path.exists() && anchor.is_empty(),
            };
            if !leads {
                faults.push(format!("{}: {target}", page.strip_prefix(built).unwrap_or(page).display()));
            }
        }
    }
    Ok(Found { pages: pages.len(), links, faults })
}

/// The HTML files of a folder, and of those in it.
fn read(folder: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "html") {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            pages.insert(path, text);
        }
    }
    Ok(())
}

/// The values of an attribute; mdBook writes all of them between double quotes.
fn values<'a>(text: &'a str, attribute: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!(" {attribute}=\"");
    let ends: Vec<usize> = text.match_indices(&begin).map(|(at, _)| at + begin.len()).collect();
    ends.into_iter().filter_map(|at| text[at..].split('"').next())
}

/// A file as a page names it, without `..`, so that it can be found among the pages.
fn normal(page: &Path, file: &str) -> PathBuf {
    let mut path = page.to_owned();
    path.pop();
    for part in file.split('/') {
        match part {
            ".." => {
                path.pop();
            }
            "." | "" => {}
            name => path.push(name),
        }
    }
    path
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_leads_nowhere_is_found() {
        let folder = std::env::temp_dir().join(format!("book-links-{}", std::process::id()));
        fs::create_dir_all(folder.join("part")).unwrap();
        fs::write(
            folder.join("a.html"),
            r##"<h1 id="top">A</h1><a href="part/b.html#there">b</a><a href="#top">t</a><a href="https://c.org/d">c</a>
                <a href="part/b.html#gone">x</a><a href="none.html">y</a><img src="none.png"><a href="#gone">z</a>"##,
        )
        .unwrap();
        fs::write(folder.join("part/b.html"), r#"<p id="there"><a href="../a.html">a</a></p>"#).unwrap();
        let found = check(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let expected = ["part/b.html#gone", "none.html", "#gone", "none.png"];
        assert_eq!(found.faults, expected.map(|target| format!("a.html: {target}")));
        assert_eq!((found.pages, found.links), (2, 7));
    }
}
