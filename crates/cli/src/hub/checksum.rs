//! Whether a file arrived as it was sent: the hub calls large files by their SHA-256, others by the SHA-1 that git has for
//! them. (Some mirrors call them by the SHA-1 of the bytes alone.)

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A sum over bytes as they come.
pub(super) enum Sum {
    Sha256(Sha256),
    Sha1 {
        /// Over git's header and the bytes.
        git: Sha1,
        plain: Sha1,
    },
    /// The name is not a sum.
    Unknown,
}

impl Sum {
    /// Of a file that the hub calls so.
    pub(super) fn of(etag: &str, size: u64) -> Self {
        let is_hex = etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        match etag.len() {
            64 if is_hex => Sum::Sha256(Sha256::new()),
            40 if is_hex => {
                Sum::Sha1 { git: Sha1::new_with_prefix(format!("blob {size}\0")), plain: Sha1::new() }
            }
            _ => Sum::Unknown,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Sum::Sha256(sum) => sum.update(bytes),
            Sum::Sha1 { git, plain } => {
                git.update(bytes);
                plain.update(bytes);
            }
            Sum::Unknown => {}
        }
    }

    /// Whether the bytes were those that the hub calls so.
    pub(super) fn is(self, etag: &str) -> bool {
        let etag = etag.to_ascii_lowercase();
        match self {
            Sum::Sha256(sum) => hex(&sum.finalize()) == etag,
            Sum::Sha1 { git, plain } => hex(&git.finalize()) == etag || hex(&plain.finalize()) == etag,
            Sum::Unknown => true,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_told_by_their_length() {
        let is = |etag: &str, bytes: &[u8]| {
            let mut sum = Sum::of(etag, bytes.len() as u64);
            bytes.chunks(2).for_each(|chunk| sum.update(chunk));
            sum.is(etag)
        };
        // As `git hash-object`, `sha1sum` and `sha256sum` say.
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        let sha1 = "f572d396fae9206628714fb2ce00f72e94f2258f";
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        for etag in [git, sha1, sha256] {
            assert!(is(etag, b"hello\n"), "{etag}");
            assert!(!is(etag, b"hellO\n"), "{etag}");
        }
        assert!(is("anything-else", b"hello\n"));
    }
}
