//! What the environment says, as Hugging Face's own tools read it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::Cache;

/// Where models are, where they come from, and who asks for them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// None where there is no home folder either.
    pub(crate) cache: Option<Cache>,
    /// Without a slash at its end.
    pub(crate) endpoint: String,
    /// Whether the network must not be used.
    pub(crate) offline: bool,
    pub(crate) token: Option<Token>,
    /// A file of certificates in place of the usual ones.
    pub(crate) certificates: Option<PathBuf>,
    /// How long a server may be silent.
    pub(crate) patience: Duration,
}

/// The secret that says who asks.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) secret: String,
    /// Where it was found, for messages.
    pub(crate) source: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token from {}", self.source)
    }
}

const HUB: &str = "https://huggingface.co";
const PATIENCE: Duration = Duration::from_secs(30);

impl Settings {
    pub(crate) fn from_environment() -> Self {
        Self::read(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn read(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let is_on = |name: &str| {
            text(name).is_some_and(|value| ["1", "on", "yes", "true"].contains(&&*value.to_lowercase()))
        };
        let home = home(variable);
        let cache =
            ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"].into_iter().find_map(variable).map(PathBuf::from);
        let patience = text("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|seconds| seconds.parse().ok());
        Settings {
            cache: cache.or_else(|| home.as_ref().map(|home| home.join("hub"))).map(Cache::new),
            endpoint: text("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned()).trim_end_matches('/').to_owned(),
            offline: is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE"),
            token: token(&text, variable("HF_TOKEN_PATH").map(PathBuf::from), home),
            certificates: variable("SSL_CERT_FILE").map(PathBuf::from),
            patience: patience.filter(|&seconds: &u64| seconds > 0).map_or(PATIENCE, Duration::from_secs),
        }
    }
}

/// `HF_HOME`, `$XDG_CACHE_HOME/huggingface`, `~/.cache/huggingface`.
fn home(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).map(PathBuf::from);
    path("HF_HOME")
        .or_else(|| path("XDG_CACHE_HOME").map(|cache| cache.join("huggingface")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/huggingface")))
}

fn token(
    text: &dyn Fn(&str) -> Option<String>,
    path: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<Token> {
    let named = |name: &str| text(name).map(|secret| (secret, name.to_owned()));
    let in_file = || {
        let path = path.or_else(|| home.map(|home| home.join("token")))?;
        Some((std::fs::read_to_string(&path).ok()?, path.display().to_string()))
    };
    let (secret, source) = named("HF_TOKEN").or_else(|| named("HUGGING_FACE_HUB_TOKEN")).or_else(in_file)?;
    let secret = secret.trim().to_owned();
    (!secret.is_empty()).then_some(Token { secret, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Settings {
        Settings::read(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_environment_is_read_as_hugging_face_reads_it() {
        let cache = |variables: &[(&str, &str)]| read(variables).cache.unwrap().folder().to_owned();
        assert_eq!(cache(&[("HF_HUB_CACHE", "/c"), ("HF_HOME", "/h")]), PathBuf::from("/c"));
        assert_eq!(cache(&[("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/x")]), PathBuf::from("/h/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/x")]), PathBuf::from("/x/huggingface/hub"));
        assert_eq!(read(&[("HF_ENDPOINT", "http://mirror:1/")]).endpoint, "http://mirror:1");
        let usual = read(&[("HF_HOME", "/none")]);
        assert_eq!((&*usual.endpoint, usual.offline, usual.patience), (HUB, false, PATIENCE));
        assert!(usual.token.is_none() && usual.certificates.is_none());
        assert_eq!(read(&[("SSL_CERT_FILE", "/c.pem")]).certificates, Some(PathBuf::from("/c.pem")));
        for on in ["1", "ON", "yes", "True"] {
            assert!(read(&[("HF_HUB_OFFLINE", on)]).offline);
        }
        assert!(!read(&[("HF_HUB_OFFLINE", "0")]).offline);
    }

    #[test]
    fn a_token_comes_from_the_environment_or_a_file() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), " hf_home\n").unwrap();
        std::fs::write(home.path().join("mine"), "hf_mine").unwrap();
        let (home_path, mine) = (home.path().to_str().unwrap(), home.path().join("mine"));
        let found = |variables: &[(&str, &str)]| read(variables).token.unwrap().secret;
        assert_eq!(found(&[("HF_HOME", home_path)]), "hf_home");
        let with_path = [("HF_HOME", home_path), ("HF_TOKEN_PATH", mine.to_str().unwrap())];
        assert_eq!(found(&with_path), "hf_mine");
        assert_eq!(found(&[&with_path[..], &[("HF_TOKEN", "hf_env")]].concat()), "hf_env");
        let token = read(&with_path).token;
        assert!(!format!("{token:?}").contains("hf_mine"), "a secret is printed");
    }
}
