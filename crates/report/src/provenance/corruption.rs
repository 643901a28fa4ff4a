//! A corruption in words.

use causal_trace_core::{Corruption, CorruptionMode, Distribution, Method, NoiseStream, Population, Spread};
use causal_trace_results::{Counterparts, NoiseSource};

use crate::label::clean;

/// How the subject was obscured, in parts of one sentence.
pub(crate) fn parts(
    corruption: &Corruption,
    counterparts: Option<Counterparts>,
    source: Option<&NoiseSource>,
) -> Vec<String> {
    let mut parts = method(&corruption.method, source);
    match corruption.extra_tokens {
        0 => {}
        1 => parts.push("the token after the subject too".to_owned()),
        more => parts.push(format!("the {more} tokens after the subject too")),
    }
    // Another prompt is not drawn.
    if corruption.method == Method::Counterpart {
        if counterparts == Some(Counterparts::SwappedSubjects) {
            parts = vec![format!(
                "corrupted run: the subject of another fact of the relation, of as many tokens, seed {}",
                corruption.seed
            )];
        }
        return parts;
    }
    if corruption.fresh_for_each_site {
        parts.push("drawn afresh for every site".to_owned());
    }
    let plural = if corruption.samples == 1 { "" } else { "s" };
    parts.push(format!("{} sample{plural}", corruption.samples));
    let stream = match corruption.stream {
        NoiseStream::Independent => "independent for every prompt",
        NoiseStream::Rome => "the same for every prompt",
    };
    parts.push(format!("seed {} ({stream})", corruption.seed));
    parts
}

fn method(method: &Method, source: Option<&NoiseSource>) -> Vec<String> {
    match method {
        Method::Noise { distribution, level, mode, baseline_mode } => {
            let rule = source.map_or(String::new(), |source| format!(" ({})", clean(&source.rule)));
            let place = match mode {
                CorruptionMode::Add => "added to the subject's embeddings",
                CorruptionMode::Replace => "in place of the subject's embeddings",
            };
            let mut parts = vec![format!("{}{rule} {place}", noise(distribution, *level))];
            if baseline_mode != mode {
                parts.push("added to them in the corrupted run itself".to_owned());
            }
            parts
        }
        Method::RandomEmbedding { population, spread } => {
            let spread = match spread {
                Spread::Covariance => "covariance",
                Spread::Deviation => "standard deviations",
            };
            let whose = embeddings(population);
            vec![format!(
                "the subject's embeddings replaced by Gaussian ones with the mean and {spread} of {whose}"
            )]
        }
        Method::Shuffle => vec!["the subject's embeddings shuffled among themselves".to_owned()],
        Method::Counterpart => {
            vec!["corrupted run: another prompt of as many tokens".to_owned()]
        }
    }
}

/// The noise and its size, as in "uniform noise 1.5".
fn noise(distribution: &Distribution, level: f64) -> String {
    let times = if level == 1.0 { String::new() } else { format!(", times {}", number(level)) };
    match distribution {
        Distribution::Gaussian => format!("Gaussian noise {}", number(level)),
        Distribution::Uniform => format!("uniform noise {}", number(level)),
        Distribution::Multivariate { population } => {
            format!("Gaussian noise with the covariance of {}{times}", embeddings(population))
        }
        Distribution::StudentT { degrees, population } => format!(
            "Student t noise ({degrees} degrees of freedom) with the covariance of {}{times}",
            embeddings(population)
        ),
    }
}

fn embeddings(population: &Population) -> String {
    match population {
        Population::Vocabulary => "the vocabulary's embeddings".to_owned(),
        Population::Text { name, .. } => format!("the embeddings of {}", clean(name)),
    }
}

/// A level with four decimals at most, or as a power of ten when that shows nothing of it.
fn number(level: f64) -> String {
    let text = format!("{level:.4}");
    if text.trim_matches(['0', '.']).is_empty() && level > 0.0 {
        format!("{level:e}")
    } else {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corruption(method: Method) -> Corruption {
        Corruption {
            method,
            extra_tokens: 0,
            stream: NoiseStream::Independent,
            seed: 7,
            samples: 10,
            fresh_for_each_site: false,
        }
    }

    fn said(method: Method, edit: fn(&mut Corruption)) -> String {
        let mut corruption = corruption(method);
        edit(&mut corruption);
        parts(&corruption, None, None).join(", ")
    }

    fn text() -> Population {
        Population::Text { name: "wiki.txt".to_owned(), sha256: String::new(), counts: Vec::new() }
    }

    fn noise(distribution: Distribution, level: f64) -> Method {
        let mode = CorruptionMode::Add;
        Method::Noise { distribution, level, mode, baseline_mode: mode }
    }

    const DRAWN: &str = "10 samples, seed 7 (independent for every prompt)";

    #[test]
    fn every_kind_of_noise_is_said() {
        let kinds = [
            (Distribution::Gaussian, 1e-6, "Gaussian noise 1e-6"),
            (Distribution::Uniform, 1.5, "uniform noise 1.5"),
            (
                Distribution::StudentT { degrees: 3.0, population: Population::Vocabulary },
                1.0,
                "Student t noise (3 degrees of freedom) with the covariance of the vocabulary's embeddings",
            ),
            (
                Distribution::Multivariate { population: text() },
                2.0,
                "Gaussian noise with the covariance of the embeddings of wiki.txt, times 2",
            ),
        ];
        for (distribution, level, expected) in kinds {
            let said = said(noise(distribution, level), |_| {});
            assert_eq!(said, format!("{expected} added to the subject's embeddings, {DRAWN}"));
        }
    }

    #[test]
    fn every_other_corruption_is_said() {
        let random = Method::RandomEmbedding { population: text(), spread: Spread::Deviation };
        assert_eq!(
            said(random, |corruption| corruption.fresh_for_each_site = true),
            format!(
                "the subject's embeddings replaced by Gaussian ones with the mean and standard deviations of the \
                 embeddings of wiki.txt, drawn afresh for every site, {DRAWN}"
            )
        );
        assert_eq!(
            said(Method::Shuffle, |corruption| corruption.extra_tokens = 1),
            format!(
                "the subject's embeddings shuffled among themselves, the token after the subject too, {DRAWN}"
            )
        );
        assert_eq!(said(Method::Counterpart, |_| {}), "corrupted run: another prompt of as many tokens");
        let swapped = parts(&corruption(Method::Counterpart), Some(Counterparts::SwappedSubjects), None);
        assert_eq!(
            swapped.join(", "),
            "corrupted run: the subject of another fact of the relation, of as many tokens, seed 7"
        );
    }
}
