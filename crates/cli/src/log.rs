//! `--log`: what the program does, on stderr, for diagnosis.

use std::str::FromStr;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::time::uptime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::usage::Usage;

/// The filter where `--log` is not given.
const VARIABLE: &str = "CAUSAL_TRACE_LOG";
const EXPECTED: &str = "expected error, warn, info, debug or trace, or a list of parts with levels, as in \
                        causal_trace=debug,causal_trace_engine=info";

/// Which events are told.
#[derive(Debug, Clone)]
pub(crate) struct LogFilter(Targets);

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A misspelt level would be taken for the name of a part.
        let is_known = |directive: &str| match directive.trim().split_once('=') {
            Some((target, level)) => !target.is_empty() && is_level(level),
            None => is_level(directive.trim()),
        };
        match text.parse() {
            Ok(targets) if text.split(',').all(is_known) => Ok(LogFilter(targets)),
            _ => Err(EXPECTED.to_owned()),
        }
    }
}

fn is_level(word: &str) -> bool {
    word.parse::<Level>().is_ok() || word.parse::<LevelFilter>().is_ok_and(|level| level == LevelFilter::OFF)
}

/// Begins to tell, if anything is asked for; says whether it does.
///
/// # Errors
/// When the variable holds no filter.
pub(crate) fn start(asked: Option<LogFilter>) -> Result<bool, Usage> {
    let set = || std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let filter = match asked {
        Some(filter) => Some(filter),
        None => set()
            .map(|text| text.parse().map_err(|problem| Usage(format!("{VARIABLE} is '{text}': {problem}"))))
            .transpose()?,
    };
    let Some(LogFilter(targets)) = filter else { return Ok(false) };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_timer(uptime());
    // Nothing else in this program sets one.
    Ok(tracing_subscriber::registry().with(lines).with(targets).try_init().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_parts() {
        for text in
            ["debug", "INFO", "causal_trace=debug", "causal_trace_lm=trace,info", "off", "lm=off, warn"]
        {
            assert!(text.parse::<LogFilter>().is_ok(), "{text}");
        }
        for text in ["", "debgu", "causal_trace", "=debug", "causal_trace=loud", "debug,"] {
            assert!(text.parse::<LogFilter>().is_err(), "{text}");
        }
    }
}
