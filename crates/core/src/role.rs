//! Which part a token plays in a prompt, for averages over prompts of different lengths.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ParseNameError, TokenSpan};

/// The part a token plays, seen from the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The subject's first token.
    FirstSubject,
    /// A token of the subject that is neither its first nor its last.
    MiddleSubject,
    /// The subject's last token.
    LastSubject,
    /// The token after the subject.
    FirstSubsequent,
    /// A token after that, other than the prompt's last.
    Further,
    /// The prompt's last token.
    Last,
}

impl Role {
    /// All roles, in the order in which they are reported.
    pub const ALL: [Role; 6] = [
        Role::FirstSubject,
        Role::MiddleSubject,
        Role::LastSubject,
        Role::FirstSubsequent,
        Role::Further,
        Role::Last,
    ];

    /// Those before the prompt's last token, whose row is large in every map.
    pub const BEFORE_LAST: [Role; 5] =
        [Role::FirstSubject, Role::MiddleSubject, Role::LastSubject, Role::FirstSubsequent, Role::Further];

    /// The data's name, as in `first_subject`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::FirstSubject => "first_subject",
            Role::MiddleSubject => "middle_subject",
            Role::LastSubject => "last_subject",
            Role::FirstSubsequent => "first_subsequent",
            Role::Further => "further",
            Role::Last => "last",
        }
    }

    /// What figures and tables call it, as in "first subject token".
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Role::FirstSubject => "first subject token",
            Role::MiddleSubject => "middle subject tokens",
            Role::LastSubject => "last subject token",
            Role::FirstSubsequent => "first subsequent token",
            Role::Further => "further tokens",
            Role::Last => "last token",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose definition of the roles; tokens before the subject have none in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleConvention {
    /// ROME's notebook: a subject of one token is its first **and** its last, and the token after the subject
    /// is the first subsequent **and** the last one where the prompt ends there. (Where the subject ends the
    /// prompt the notebook fails; here that token is the last subject token only.)
    Rome,
    /// dannyallover/causal-tracing: every token has one role; a subject of one token is its first, and the
    /// token after the subject is the first subsequent even where the prompt ends there.
    Dannyallover,
}

impl RoleConvention {
    /// The roles of a token: none before the subject, at most two after.
    ///
    /// # References
    /// `average_causal_effects.ipynb` of ROME: `first_e`, `last_e`, `first_a`, `last_a`.
    pub fn roles(self, subject: TokenSpan, seq_len: usize, token: usize) -> impl Iterator<Item = Role> {
        let is_last = token + 1 == seq_len;
        let in_subject = subject.range().contains(&token);
        let mut roles = [None, None];
        if in_subject {
            let (first, last) = (token == subject.start, token + 1 == subject.end);
            roles[0] = Some(match (first, last) {
                (true, _) => Role::FirstSubject,
                (false, true) => Role::LastSubject,
                (false, false) => Role::MiddleSubject,
            });
            roles[1] = (first && last).then_some(Role::LastSubject);
        } else if token == subject.end && token < seq_len {
            roles = [Some(Role::FirstSubsequent), is_last.then_some(Role::Last)];
        } else if token > subject.end && token < seq_len {
            roles[0] = Some(if is_last { Role::Last } else { Role::Further });
        }
        if self == RoleConvention::Dannyallover {
            roles[1] = None;
        }
        roles.into_iter().flatten()
    }
}

impl fmt::Display for RoleConvention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RoleConvention::Rome => "rome",
            RoleConvention::Dannyallover => "dannyallover",
        })
    }
}

impl FromStr for RoleConvention {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "rome" => Ok(RoleConvention::Rome),
            "dannyallover" => Ok(RoleConvention::Dannyallover),
            _ => Err(ParseNameError {
                what: "convention of roles",
                given: text.to_owned(),
                expected: "rome, dannyallover",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{FirstSubject, FirstSubsequent, Further, Last, LastSubject, MiddleSubject};
    use super::*;

    fn roles(convention: RoleConvention, subject: std::ops::Range<usize>, seq_len: usize) -> Vec<Vec<Role>> {
        let roles = |token| convention.roles(subject.clone().into(), seq_len, token).collect();
        (0..seq_len).map(roles).collect()
    }

    #[test]
    fn every_part_of_a_prompt_has_its_role() {
        let expected = [
            vec![],
            vec![FirstSubject],
            vec![MiddleSubject],
            vec![LastSubject],
            vec![FirstSubsequent],
            vec![Further],
            vec![Last],
        ];
        assert_eq!(roles(RoleConvention::Rome, 1..4, 7), expected);
        assert_eq!(roles(RoleConvention::Dannyallover, 1..4, 7), expected);
    }

    #[test]
    fn the_conventions_differ_where_two_roles_meet() {
        let rome = [vec![FirstSubject, LastSubject], vec![FirstSubsequent, Last]];
        assert_eq!(roles(RoleConvention::Rome, 0..1, 2), rome);
        let single = [vec![FirstSubject], vec![FirstSubsequent]];
        assert_eq!(roles(RoleConvention::Dannyallover, 0..1, 2), single);
    }

    #[test]
    fn a_subject_may_end_the_prompt() {
        let expected = [vec![], vec![FirstSubject], vec![LastSubject]];
        assert_eq!(roles(RoleConvention::Rome, 1..3, 3), expected);
    }
}
