//! How accurately matrix products are computed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ParseNameError;

/// The accuracy of matrix products. Everything between them is float32 throughout.
///
/// The split kinds write each float32 operand as a sum of bfloat16 parts (8 significant bits each) and add up products
/// of parts in float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision throughout.
    F32,
    /// Three parts for each operand, the six largest products of parts: relative error about that of float32.
    Bf16x6,
    /// Two parts for each operand, the three largest products: relative error about 4e-6.
    Bf16x3,
    /// Operands rounded to bfloat16: relative error about 2e-3.
    Bf16,
}

impl Precision {
    /// Every precision, the most accurate first.
    pub const ALL: [Precision; 4] = [Precision::F32, Precision::Bf16x6, Precision::Bf16x3, Precision::Bf16];

    /// The name on the command line and in a manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16x6 => "bf16x6",
            Precision::Bf16x3 => "bf16x3",
            Precision::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Precision::ALL.into_iter().find(|precision| precision.name() == text);
        let expected = "f32, bf16x6, bf16x3, bf16";
        named.ok_or_else(|| ParseNameError { what: "precision", given: text.to_owned(), expected })
    }
}
