//! What the hub says of a model and of its files.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use ureq::http::HeaderMap;

use super::cache::is_commit;
use super::client::header;
use super::{Client, Failure, ModelId};

const IN_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
const IN_PART: AsciiSet = IN_PATH.add(b'/');

/// A state of a model.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) commit: String,
    /// Of all its files.
    pub(super) names: Vec<String>,
}

/// A file of a model.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub(super) name: String,
    pub(super) url: String,
    /// What its contents are known by: of large files the SHA-256, of others the name that git has for them.
    pub(super) etag: String,
    pub(super) size: u64,
}

/// The files of a revision.
pub(super) fn listing(client: &Client, endpoint: &str, id: &ModelId) -> Result<Listing, Failure> {
    let revision = utf8_percent_encode(id.revision(), &IN_PART);
    let answer = client.bytes(&format!("{endpoint}/api/models/{}/revision/{revision}", id.name()))?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)
        .map_err(|error| Failure::Strange(format!("a list of files that is not JSON ({error})")))?;
    let commit = answer["sha"].as_str().filter(|sha| is_commit(sha));
    let commit = commit.ok_or_else(|| Failure::Strange("a list of files without a commit".to_owned()))?;
    let files = answer["siblings"].as_array().into_iter().flatten();
    let names = files.filter_map(|file| file["rfilename"].as_str().map(str::to_owned)).collect();
    Ok(Listing { commit: commit.to_owned(), names })
}

/// What is known of a file before it is downloaded.
pub(super) fn describe(
    client: &Client,
    endpoint: &str,
    id: &ModelId,
    commit: &str,
    name: &str,
) -> Result<Remote, Failure> {
    let url = format!("{endpoint}/{}/resolve/{commit}/{}", id.name(), utf8_percent_encode(name, &IN_PATH));
    let headers = client.head(&url)?;
    let lacks = |what: &str| Failure::Strange(format!("{name} without {what}"));
    let etag = etag(&headers).ok_or_else(|| lacks("an ETag"))?;
    let size = header(&headers, "x-linked-size").or_else(|| header(&headers, "content-length"));
    let size = size.and_then(|size| size.parse().ok()).ok_or_else(|| lacks("a length"))?;
    Ok(Remote { name: name.to_owned(), url, etag, size })
}

/// It becomes a file's name in the cache; what could not be one is hashed.
fn etag(headers: &HeaderMap) -> Option<String> {
    let etag = header(headers, "x-linked-etag").or_else(|| header(headers, "etag"))?;
    let etag = etag.trim_start_matches("W/").trim_matches('"');
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=128).contains(&etag.len()) && etag.chars().all(is_name) {
        return Some(etag.to_owned());
    }
    let sum = Sha256::digest(etag.as_bytes());
    Some(sum.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>() + "-etag")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_becomes_a_name() {
        let of = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("etag", "\"other\"".parse().unwrap());
            headers.insert(name, value.parse().unwrap());
            etag(&headers).unwrap()
        };
        assert_eq!(of("etag", "\"abc\""), "abc");
        assert_eq!(of("etag", "W/\"abc\""), "abc");
        assert_eq!(of("x-linked-etag", "\"def\""), "def");
        let odd = of("etag", "\"../../up\"");
        assert!(odd.ends_with("-etag") && !odd.contains('/'), "{odd}");
        assert_eq!(etag(&HeaderMap::new()), None);
    }
}
