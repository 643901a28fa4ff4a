//! Links from the book to the rest of the repository: in the built book they lead to where it is published.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, anyhow};
use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

/// Where relative links out of the book's folder go.
pub(crate) struct LinksOutside {
    /// The repository.
    pub(crate) root: PathBuf,
}

impl Preprocessor for LinksOutside {
    fn name(&self) -> &str {
        "links-outside"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let address: Option<String> = context.config.get("output.html.git-repository-url")?;
        let address = address.ok_or_else(|| anyhow!("book.toml names no git-repository-url"))?;
        let folder = &context.config.book.src;
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && let Some(page) = &chapter.source_path
            {
                let page = folder.join(page);
                chapter.content = rewritten(&chapter.content, &page, folder, |path| {
                    let kind = if self.root.join(path).is_dir() { "tree" } else { "blob" };
                    format!("{address}/{kind}/main/{}", path.display())
                });
            }
        });
        Ok(book)
    }
}

/// A page's text, with the address of every link target that is not in the book's folder.
fn rewritten(text: &str, page: &Path, folder: &Path, address: impl Fn(&Path) -> String) -> String {
    let mut parts = text.split("](");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        all.push_str("](");
        let end = part.find([')', '#', ' ', '\n']).unwrap_or(part.len());
        let (target, rest) = part.split_at(end);
        let resolved = resolved(page, target).filter(|path| !path.starts_with(folder));
        all.push_str(&resolved.map_or_else(|| target.to_owned(), |path| address(&path)));
        all.push_str(rest);
    }
    all
}

/// What a relative target means, from the repository's root; `None` for others.
fn resolved(page: &Path, target: &str) -> Option<PathBuf> {
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let mut path = page.parent()?.to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                path.pop();
            }
            _ => {}
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_that_leave_the_book_are_rewritten() {
        let text =
            "[a](b.md#c) [d](../demo/README.md#e) [f](https://g.org) ![h](i.svg)\n[j](../../xtask) [k](#l)";
        let rewritten = |page: &str| {
            rewritten(text, Path::new(page), Path::new("docs"), |path| format!("web/{}", path.display()))
        };
        assert_eq!(
            rewritten("docs/page.md"),
            "[a](b.md#c) [d](web/demo/README.md#e) [f](https://g.org) ![h](i.svg)\n[j](web/xtask) [k](#l)"
        );
        assert!(rewritten("docs/part/page.md").contains("[d](../demo/README.md#e)"));
    }
}
