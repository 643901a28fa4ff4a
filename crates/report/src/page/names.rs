//! What folders are called on a page.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// A name for each folder: its own, with the folders that it lies in as far as that tells it from the others, and with
/// a number where one is named twice.
#[must_use]
pub fn folder_names(paths: &[PathBuf]) -> Vec<String> {
    let components: Vec<Vec<String>> = paths.iter().map(|path| components(path)).collect();
    let deepest = components.iter().map(Vec::len).max().unwrap_or(0);
    let names = |depth: usize| -> Vec<String> {
        components.iter().map(|all| all[all.len().saturating_sub(depth)..].join("/")).collect()
    };
    let n_different = |depth: usize| names(depth).into_iter().collect::<BTreeSet<_>>().len();
    let most = n_different(deepest);
    let depth = (1..=deepest).find(|&depth| n_different(depth) == most).unwrap_or(1);
    let mut taken = BTreeSet::new();
    names(depth).into_iter().map(|name| free(name, &mut taken)).collect()
}

/// The name, or the name with the first number that makes it another.
fn free(name: String, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
    let free = free.unwrap_or(name);
    taken.insert(free.clone());
    free
}

fn components(path: &Path) -> Vec<String> {
    let path = path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    let normal = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    normal.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(paths: &[&str]) -> Vec<String> {
        folder_names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn names_are_as_short_as_they_can_be() {
        assert_eq!(named(&["/no-such/a/results"]), ["results"]);
        assert_eq!(named(&["/no-such/a/x", "/no-such/a/y"]), ["x", "y"]);
        assert_eq!(named(&["/no-such/a/x", "/no-such/b/x"]), ["a/x", "b/x"]);
        assert_eq!(named(&["/no-such/x", "/no-such/x", "/no-such/y"]), ["x", "x (2)", "y"]);
        assert!(named(&[]).is_empty());
    }
}
