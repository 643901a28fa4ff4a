//! The command line that does the same trace.

use causal_trace_core::{Component, Direction, Metric, Precision};
use causal_trace_report::page::quoted;

use super::settings::USUAL_NOISE;
use crate::args::{ComponentChoice, CorruptionChoice, MethodArgs, PrecisionChoice, TokenRange, TraceArgs};

/// The options that are not the usual ones, as words of a shell. A text that no command line can have is said to be one.
pub(super) fn command(options: &TraceArgs) -> String {
    let words = words(options);
    if words.iter().any(|word| word.contains('\0')) {
        return "# no command line can have the NUL character of this text".to_owned();
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn words(options: &TraceArgs) -> Vec<String> {
    let TraceArgs {
        model,
        prompt,
        subject,
        subject_tokens,
        answer,
        answer_id,
        counterpart,
        facts,
        method,
        ..
    } = options;
    let mut words = Words(vec!["causal-trace".to_owned(), "trace".to_owned()]);
    words.option("--model", Some(&model.model).filter(|&model| model != "demo"));
    words.option("--revision", model.revision.as_ref());
    words.option("--prompt", prompt.as_ref());
    words.option("--subject", subject.as_ref());
    words.option("--subject-tokens", subject_tokens.as_ref().map(TokenRange::to_string).as_ref());
    words.option("--answer", answer.as_ref());
    words.option("--answer-id", answer_id.map(|id| id.to_string()).as_ref());
    words.option("--counterpart", counterpart.as_ref());
    words.option("--facts", facts.as_ref().map(|path| path.display().to_string()).as_ref());
    words.method(method);
    words.0
}

struct Words(Vec<String>);

impl Words {
    fn option(&mut self, name: &str, value: Option<&String>) {
        match value {
            // Else it would be taken for another option.
            Some(value) if value.starts_with('-') => self.0.push(format!("{name}={value}")),
            Some(value) => self.0.extend([name.to_owned(), value.clone()]),
            None => {}
        }
    }

    fn unless<T: PartialEq + ToString>(&mut self, usual: &T, name: &str, value: Option<&T>) {
        self.option(name, value.filter(|&value| value != usual).map(T::to_string).as_ref());
    }

    fn method(&mut self, method: &MethodArgs) {
        let name = |choice: &ComponentChoice| match choice {
            ComponentChoice::All => "all",
            ComponentChoice::One(component) => component.name(),
        };
        let components = list(method.component.iter().flatten().map(name));
        self.unless(&Component::Residual.name().to_owned(), "--component", components.as_ref());
        self.unless(&10, "--window", method.window.as_ref());
        self.unless(&Direction::Denoise, "--direction", method.direction.as_ref());
        let corruption = method.corruption.and_then(|corruption| match corruption {
            CorruptionChoice::RandomEmbedding => Some("random-embedding".to_owned()),
            CorruptionChoice::Shuffle => Some("shuffle".to_owned()),
            // A counterpart says it already.
            CorruptionChoice::Noise | CorruptionChoice::Swap | CorruptionChoice::Pair => None,
        });
        self.option("--corruption", corruption.as_ref());
        self.unless(&USUAL_NOISE.to_owned(), "--noise", method.noise.map(|rule| rule.to_string()).as_ref());
        if method.replace {
            self.0.push("--replace".to_owned());
        }
        self.option("--metric", list(method.metric.iter().flatten().copied().map(Metric::name)).as_ref());
        self.unless(&10, "--samples", method.samples.as_ref());
        self.unless(&1, "--seed", method.seed.as_ref());
        let usual = PrecisionChoice::Named(Precision::F32);
        self.unless(&usual, "--precision", method.precision.as_ref());
    }
}

/// A list as it is typed; none for nothing.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    Some(names.collect::<Vec<_>>().join(",")).filter(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use causal_trace_core::NoiseRule;
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command, ModelArgs};

    fn parsed(line: &str) -> TraceArgs {
        let words = shlex::split(line).unwrap();
        match Args::try_parse_from(words).unwrap().command {
            Some(Command::Trace(options)) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_command_says_what_was_asked_for() {
        let usual = TraceArgs {
            prompt: Some("Space Needle is in".to_owned()),
            subject: Some("Space Needle".to_owned()),
            ..TraceArgs::default()
        };
        let line = "causal-trace trace --prompt 'Space Needle is in' --subject 'Space Needle'";
        assert_eq!(command(&usual), line);
        let all = Component::ROME.map(ComponentChoice::One).to_vec();
        let method =
            MethodArgs { component: Some(all), seed: Some(1), samples: Some(10), ..MethodArgs::default() };
        assert_eq!(command(&TraceArgs { method, ..usual }), format!("{line} --component residual,mlp,attn"));
    }

    #[test]
    fn every_option_comes_back_from_the_command_line() {
        let hostile = "--x '\"$(rm -rf ~)\"`id`\n\t\\ !! \u{202e}\u{7}<script>é\u{1f600}";
        let method = MethodArgs {
            component: Some(vec![
                ComponentChoice::One(Component::Mlp),
                ComponentChoice::One(Component::Attention),
            ]),
            window: Some(3),
            direction: Some(Direction::Noise),
            corruption: Some(CorruptionChoice::Shuffle),
            metric: Some(vec![Metric::LogitDifference, Metric::Rank]),
            samples: Some(7),
            seed: Some(99),
            precision: Some(PrecisionChoice::Named(Precision::Bf16x3)),
            ..MethodArgs::default()
        };
        let noise = MethodArgs {
            noise: Some(NoiseRule::Uniform(0.1)),
            replace: true,
            component: Some(vec![ComponentChoice::One(Component::Residual)]),
            ..MethodArgs::default()
        };
        for (method, counterpart) in
            [(method, None), (noise, None), (MethodArgs::default(), Some(hostile.to_owned()))]
        {
            let options = TraceArgs {
                model: ModelArgs { model: "org/name".to_owned(), revision: Some("refs/pr/1".to_owned()) },
                prompt: Some(hostile.to_owned()),
                subject_tokens: Some(TokenRange { first: 1, end: 3 }),
                answer_id: Some(17),
                counterpart,
                facts: Some(PathBuf::from("the facts.json")),
                method,
                ..TraceArgs::default()
            };
            let found = parsed(&command(&options));
            // What is left out is the usual.
            let options =
                format!("{options:?}").replace("component: Some([One(Residual)])", "component: None");
            assert_eq!(format!("{found:?}"), options.replace("component: Some([])", "component: None"));
        }
    }

    #[test]
    fn what_no_command_line_can_have_is_said() {
        let options = TraceArgs { prompt: Some("a\0b".to_owned()), ..TraceArgs::default() };
        assert!(command(&options).starts_with("# "));
    }
}
