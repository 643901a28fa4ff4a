//! Claims, tested: what was said of an experiment, and whether the numbers here agree.

use std::fmt;

use anyhow::Result;
use causal_trace_results::statistics::{PairedDifference, Summary};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};

use super::number::{Measured, Number, percent, short};
use super::outcome::{Runs, traced_alike};

/// What was said of an experiment, in our words, and what must be so for it to hold here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Claim {
    pub(super) says: String,
    /// All must be met; without any the figures must be looked at.
    #[serde(default)]
    test: Vec<Test>,
}

/// A number beside another.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Test {
    number: Number,
    above: Option<Bound>,
    below: Option<Bound>,
    /// Met where an interval tells the two apart.
    differs_from: Option<Bound>,
    /// The bound is multiplied by this.
    #[serde(default = "once")]
    times: f64,
}

fn once() -> f64 {
    1.0
}

/// What a number is compared with.
#[derive(Debug, Clone)]
enum Bound {
    Value(f64),
    Number(Box<Number>),
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Bound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a table as in { of = \"average\" }")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Bound, E> {
                Ok(Bound::Value(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Bound, E> {
                Ok(Bound::Value(value as f64))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Bound, A::Error> {
                Ok(Bound::Number(Box::new(Number::deserialize(MapAccessDeserializer::new(map))?)))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    DoesNotHold,
    /// The interval of the difference holds 0; or those of the numbers overlap, or one holds the bound.
    Open,
    /// There is no rule, or a number could not be computed.
    NotJudged,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Holds => "holds here",
            Verdict::DoesNotHold => "does not hold here",
            Verdict::Open => "open here",
            Verdict::NotJudged => "not judged",
        })
    }
}

/// A claim and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) says: String,
    pub(crate) verdict: Verdict,
    /// One sentence for each test, with the numbers.
    pub(crate) reasons: Vec<String>,
}

impl Claim {
    pub(super) fn judge(&self, runs: &Runs) -> Judged {
        let says = self.says.clone();
        if self.test.is_empty() {
            let reasons = vec!["no rule: the figures must be looked at".to_owned()];
            return Judged { says, verdict: Verdict::NotJudged, reasons };
        }
        let (verdicts, reasons): (Vec<Verdict>, Vec<String>) =
            self.test.iter().map(|test| test.judge(runs)).unzip();
        let any = |wanted| verdicts.contains(&wanted);
        let verdict = if any(Verdict::NotJudged) {
            Verdict::NotJudged
        } else if any(Verdict::DoesNotHold) {
            Verdict::DoesNotHold
        } else if any(Verdict::Open) {
            Verdict::Open
        } else {
            Verdict::Holds
        };
        Judged { says, verdict, reasons }
    }

    /// The runs that its tests name.
    pub(super) fn run_names(&self) -> Vec<&str> {
        self.test.iter().flat_map(Test::run_names).collect()
    }
}

impl Test {
    fn run_names(&self) -> Vec<&str> {
        let bounds = [&self.above, &self.below, &self.differs_from].into_iter().flatten();
        let numbers = bounds.filter_map(|bound| match bound {
            Bound::Number(number) => Some(&**number),
            Bound::Value(_) => None,
        });
        numbers.chain([&self.number]).flat_map(Number::run_names).collect()
    }

    fn judge(&self, runs: &Runs) -> (Verdict, String) {
        let measured = match self.number.measure(runs) {
            Ok(measured) => measured,
            Err(error) => return (Verdict::NotJudged, format!("{error:#}")),
        };
        let bounds = [
            (&self.above, Relation::Above),
            (&self.below, Relation::Below),
            (&self.differs_from, Relation::DiffersFrom),
        ];
        let given = bounds.into_iter().find_map(|(bound, relation)| Some((bound.as_ref()?, relation)));
        let Some((bound, relation)) = given else {
            return (Verdict::NotJudged, "the test has neither above, below nor differs-from".to_owned());
        };
        let other = match bound {
            Bound::Value(value) => {
                Ok(Measured { is_share: measured.is_share, ..Measured::new(*value, String::new()) })
            }
            Bound::Number(number) => number.measure(runs),
        };
        let with_difference =
            other.and_then(|other| Ok((paired(runs, [&measured, &other], self.times)?, other)));
        match with_difference {
            Ok((paired, other)) => compare(&measured, &other, self.times, relation, paired),
            Err(error) => (Verdict::NotJudged, format!("{error:#}")),
        }
    }
}

/// The difference of two numbers over the prompts that were traced in both of their runs, where both can be computed
/// over some prompts and there are enough.
fn paired(runs: &Runs, numbers: [&Measured; 2], times: f64) -> Result<Option<PairedDifference>> {
    let [Some(first), Some(second)] = numbers.map(|number| number.over.as_ref()) else { return Ok(None) };
    let (one, other) = (runs.called(&first.run)?, runs.called(&second.run)?);
    let ids = traced_alike(&[one, other])?;
    let prompts = ids.len();
    let drawn = (one.resampled(first.metric, ids.clone())?, other.resampled(second.metric, ids)?);
    let (Some(firsts), Some(seconds)) = drawn else { return Ok(None) };
    let both = |(one, other): (&Summary, &Summary)| Some([(first.number)(one)?, (second.number)(other)?]);
    let draws = firsts.draws.iter().zip(&seconds.draws).filter_map(both);
    let whole = both((&firsts.whole, &seconds.whole));
    Ok(whole.and_then(|whole| PairedDifference::of(prompts, whole, draws, times)))
}

/// How a number is to stand to its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Above,
    Below,
    DiffersFrom,
}

fn compare(
    measured: &Measured,
    other: &Measured,
    times: f64,
    relation: Relation,
    paired: Option<PairedDifference>,
) -> (Verdict, String) {
    let [low, high] = measured.ends();
    let [other_low, other_high] = other.ends().map(|end| times * end);
    let bound = times * other.value;
    // Numbers without intervals are what they are.
    let are_apart = low > other_high || high < other_low || (low == high && other_low == other_high);
    let (difference, is_clear) = match paired {
        Some(paired) => (paired.value, paired.is_clear()),
        None => (measured.value - bound, are_apart),
    };
    let met = match relation {
        Relation::Above => difference > 0.0,
        Relation::Below => difference < 0.0,
        Relation::DiffersFrom => is_clear && difference != 0.0,
    };
    let verdict = match (met, is_clear) {
        (true, true) => Verdict::Holds,
        (false, true) => Verdict::DoesNotHold,
        (_, false) => Verdict::Open,
    };
    let words = match (relation, met) {
        (Relation::Above, true) => "is above",
        (Relation::Above, false) => "is not above",
        (Relation::Below, true) => "is below",
        (Relation::Below, false) => "is not below",
        (Relation::DiffersFrom, true) => "differs from",
        (Relation::DiffersFrom, false) => "does not clearly differ from",
    };
    let number = |value| if other.is_share { percent(value) } else { short(value) };
    let factor = if times == 1.0 { String::new() } else { format!("{times} times ") };
    let against = match &*other.what {
        "" => number(bound),
        what => format!("{factor}{what}, {}", other.shown()),
    };
    let why = match paired {
        Some(paired) => {
            let difference = Measured {
                ci95: Some(paired.ci95),
                is_share: measured.is_share,
                ..Measured::new(paired.value, String::new())
            };
            let open = if is_clear { "" } else { ", which may be 0" };
            format!(
                "; over the same {} prompts the difference is {}{open}",
                paired.prompts,
                difference.shown()
            )
        }
        None if is_clear => String::new(),
        None => "; the intervals overlap".to_owned(),
    };
    (verdict, format!("{}, {}, {words} {against}{why}", measured.what, measured.shown()))
}
