//! What of some folders' numbers fits into a report file.

use super::packer::Packed;

/// A chunk's element around its text, in bytes.
const ELEMENT: usize = 90;

/// What is in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// Whether the single samples are.
    pub(super) has_samples: bool,
    /// The first chunks of each folder.
    pub(super) chunks: Vec<Vec<String>>,
}

/// Everything, if there is room for so many bytes; else everything without the single samples; else as much of that as
/// fits, of all folders alike, so that the same prompts can be compared.
pub(super) fn choose(folders: Vec<Vec<Packed>>, room: usize) -> Contents {
    let all = folders.iter().flatten();
    let needed = |text: Option<&String>| text.map(|text| text.len() + ELEMENT);
    let with_samples: Option<usize> = all.map(|packed| needed(packed.with_samples.as_ref())).sum();
    if with_samples.is_some_and(|size| size <= room) {
        let texts =
            |folder: Vec<Packed>| folder.into_iter().filter_map(|packed| packed.with_samples).collect();
        return Contents { has_samples: true, chunks: folders.into_iter().map(texts).collect() };
    }
    let mut room = room;
    let mut chunks = vec![Vec::new(); folders.len()];
    let mut left: Vec<_> = folders.into_iter().map(Vec::into_iter).collect();
    let mut is_full = false;
    while !is_full && left.iter().any(|folder| folder.len() > 0) {
        for (folder, kept) in left.iter_mut().zip(&mut chunks) {
            let Some(packed) = folder.next() else { continue };
            match packed.without {
                Some(text) if text.len() + ELEMENT <= room && !is_full => {
                    room -= text.len() + ELEMENT;
                    kept.push(text);
                }
                _ => is_full = true,
            }
        }
    }
    Contents { has_samples: false, chunks }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(sizes: &[(usize, usize)]) -> Vec<Packed> {
        let text = |size: usize| (size > 0).then(|| "x".repeat(size - ELEMENT));
        let packed = |&(with, without)| Packed { with_samples: text(with), without: text(without) };
        sizes.iter().map(packed).collect()
    }

    fn chosen(folders: &[&[(usize, usize)]], room: usize) -> (bool, Vec<usize>) {
        let contents = choose(folders.iter().map(|sizes| folder(sizes)).collect(), room);
        (contents.has_samples, contents.chunks.iter().map(Vec::len).collect())
    }

    #[test]
    fn samples_go_first_then_the_last_prompts_of_all_folders() {
        let folders: [&[_]; 2] = [&[(200, 100), (200, 100), (200, 100)], &[(300, 150)]];
        assert_eq!(chosen(&folders, 900), (true, vec![3, 1]));
        assert_eq!(chosen(&folders, 899), (false, vec![3, 1]));
        assert_eq!(chosen(&folders, 450), (false, vec![3, 1]));
        assert_eq!(chosen(&folders, 449), (false, vec![2, 1]));
        assert_eq!(chosen(&folders, 249), (false, vec![1, 0]));
        assert_eq!(chosen(&folders, 99), (false, vec![0, 0]));
    }

    #[test]
    fn what_was_not_packed_does_not_fit() {
        assert_eq!(chosen(&[&[(0, 100), (0, 0)]], 1000), (false, vec![1]));
        assert_eq!(chosen(&[&[]], 0), (true, vec![0]));
    }
}
