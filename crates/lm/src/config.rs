//! Reading `config.json`.

use serde_json::Value;

use crate::rope::{Rope, RopePairs, RopeScaling};
use crate::{Activation, ModelError};

/// No model is larger; a damaged config must not make the program ask for all memory.
const MOST_LAYERS: u64 = 10_000;
/// The same for widths, heads, vocabularies and contexts.
const MOST: u64 = 1 << 24;

/// A `config.json`, with errors that name the field.
#[derive(Debug, Clone)]
pub struct Config {
    value: Value,
}

impl Config {
    /// Parses the text of a `config.json`.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let value: Value = serde_json::from_str(text).map_err(|source| ModelError::Config {
            problem: format!("it is not valid JSON ({source}): download it again"),
        })?;
        if value.is_object() {
            Ok(Config { value })
        } else {
            Err(ModelError::Config { problem: "it is not a JSON object".to_owned() })
        }
    }

    /// The field under its name, unless it is missing or null.
    fn get(&self, name: &str) -> Option<&Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    fn wrong(name: &str, value: &Value, expected: &str) -> ModelError {
        ModelError::Config { problem: format!("\"{name}\" is {value}, expected {expected}") }
    }

    fn missing(name: &str) -> ModelError {
        ModelError::Config {
            problem: format!("\"{name}\" is missing: take the file that came with the weights"),
        }
    }

    /// A whole number from 1 to 2^24.
    pub fn size(&self, name: &str) -> Result<usize, ModelError> {
        self.optional_size(name)?.ok_or_else(|| Self::missing(name))
    }

    /// A whole number from 1 to 2^24, or `None` when missing or null.
    pub fn optional_size(&self, name: &str) -> Result<Option<usize>, ModelError> {
        self.optional_size_up_to(name, MOST)
    }

    /// The number of layers: from 1 to 10,000.
    pub fn layers(&self, name: &str) -> Result<usize, ModelError> {
        self.optional_size_up_to(name, MOST_LAYERS)?.ok_or_else(|| Self::missing(name))
    }

    fn optional_size_up_to(&self, name: &str, most: u64) -> Result<Option<usize>, ModelError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_u64() {
            Some(number) if (1..=most).contains(&number) => Ok(Some(number as usize)),
            _ => Err(Self::wrong(name, value, &format!("a whole number from 1 to {most}"))),
        }
    }

    /// A finite number, or `None` when missing or null.
    pub fn optional_number(&self, name: &str) -> Result<Option<f32>, ModelError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number.is_finite() => Ok(Some(number as f32)),
            _ => Err(Self::wrong(name, value, "a finite number")),
        }
    }

    /// A finite number.
    pub fn number(&self, name: &str) -> Result<f32, ModelError> {
        self.optional_number(name)?.ok_or_else(|| Self::missing(name))
    }

    /// True or false, or the default when missing or null.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, ModelError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        value.as_bool().ok_or_else(|| Self::wrong(name, value, "true or false"))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<&str, ModelError> {
        let value = self.get(name).ok_or_else(|| Self::missing(name))?;
        value.as_str().ok_or_else(|| Self::wrong(name, value, "a text"))
    }

    /// The activation, or transformers' default for the family when missing or null.
    pub fn activation_or(&self, name: &str, default: Activation) -> Result<Activation, ModelError> {
        if self.get(name).is_some() { self.activation(name) } else { Ok(default) }
    }

    /// A number that a family has unless it says `null`: transformers' default when missing, `None` when null.
    pub fn number_unless_null(&self, name: &str, default: f32) -> Result<Option<f32>, ModelError> {
        if self.value.get(name).is_none() { Ok(Some(default)) } else { self.optional_number(name) }
    }

    /// The activation under its Hugging Face name.
    pub fn activation(&self, name: &str) -> Result<Activation, ModelError> {
        match self.text(name)? {
            "gelu" => Ok(Activation::Gelu),
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
            "quick_gelu" => Ok(Activation::QuickGelu),
            "silu" | "swish" => Ok(Activation::Silu),
            "relu" => Ok(Activation::Relu),
            other => Err(ModelError::Config {
                problem: format!(
                    "\"{name}\" is \"{other}\", which is not supported; supported are gelu, gelu_new, \
                     gelu_fast, gelu_pytorch_tanh, quick_gelu, silu, relu"
                ),
            }),
        }
    }

    /// Heads of queries and of keys, checked to fit each other.
    pub fn heads(&self, heads: &str, kv_heads: &str) -> Result<(usize, usize), ModelError> {
        let n_heads = self.size(heads)?;
        let n_kv_heads = self.optional_size(kv_heads)?.unwrap_or(n_heads);
        if n_heads.is_multiple_of(n_kv_heads) {
            Ok((n_heads, n_kv_heads))
        } else {
            let problem =
                format!("\"{heads}\" ({n_heads}) is not a multiple of \"{kv_heads}\" ({n_kv_heads})");
            Err(ModelError::Config { problem })
        }
    }

    /// Width of a head: its own field, or the model's width over the number of heads.
    pub fn head_width(&self, d_model: usize, n_heads: usize) -> Result<usize, ModelError> {
        match self.optional_size("head_dim")? {
            Some(width) => Ok(width),
            None if d_model.is_multiple_of(n_heads) => Ok(d_model / n_heads),
            None => Err(ModelError::Config {
                problem: format!("the model's width {d_model} is not a multiple of its {n_heads} heads"),
            }),
        }
    }

    /// Whether any of the fields asks for something that this program does not compute.
    pub fn refuse(&self, name: &str, unsupported: bool) -> Result<(), ModelError> {
        if self.flag(name, !unsupported)? == unsupported {
            let problem = format!("\"{name}\": {unsupported} is not supported");
            return Err(ModelError::Config { problem });
        }
        Ok(())
    }

    /// Rotary positions from `rope_parameters` (new form) or `rope_theta`, `rope_scaling`, `rotary_pct`,
    /// `rotary_emb_base` and `partial_rotary_factor` (old form).
    pub fn rope(&self, d_head: usize, default_fraction: f32) -> Result<Rope, ModelError> {
        let new_form = self.section("rope_parameters")?;
        let old_scaling = self.section("rope_scaling")?;
        let first = |places: &[(&Config, &str)]| -> Result<Option<f32>, ModelError> {
            for (config, name) in places {
                if let Some(number) = config.optional_number(name)? {
                    return Ok(Some(number));
                }
            }
            Ok(None)
        };
        let theta = first(&[(&new_form, "rope_theta"), (self, "rope_theta"), (self, "rotary_emb_base")])?
            .unwrap_or(10_000.0);
        let fraction = first(&[
            (&new_form, "partial_rotary_factor"),
            (self, "partial_rotary_factor"),
            (self, "rotary_pct"),
        ])?
        .unwrap_or(default_fraction);
        let d_rotary = (d_head as f32 * fraction) as usize;
        if d_rotary == 0 || d_rotary > d_head || d_rotary % 2 == 1 {
            let problem =
                format!("{d_rotary} rotated features of {d_head} in a head, expected an even number");
            return Err(ModelError::Config { problem });
        }
        let scaling = if new_form.get("rope_type").is_some() { &new_form } else { &old_scaling };
        let scaling = self.rope_scaling(scaling)?;
        Ok(Rope::new(d_rotary, theta, RopePairs::Halves, scaling))
    }

    fn rope_scaling(&self, section: &Config) -> Result<RopeScaling, ModelError> {
        let name = if section.get("rope_type").is_some() { "rope_type" } else { "type" };
        if section.get(name).is_none() {
            return Ok(RopeScaling::None);
        }
        match section.text(name)? {
            // Dynamic scaling changes angles beyond the context only, which is refused anyway.
            "default" | "dynamic" => Ok(RopeScaling::None),
            "linear" => Ok(RopeScaling::Linear { factor: section.number("factor")? }),
            "llama3" => Ok(RopeScaling::Llama3 {
                factor: section.number("factor")?,
                low: section.number("low_freq_factor")?,
                high: section.number("high_freq_factor")?,
                original_context: section.number("original_max_position_embeddings")?,
            }),
            other => Err(ModelError::Config {
                problem: format!(
                    "rope scaling \"{other}\" is not supported; supported are default, linear, dynamic, llama3"
                ),
            }),
        }
    }

    /// A nested object, empty when missing or null.
    fn section(&self, name: &str) -> Result<Config, ModelError> {
        match self.get(name) {
            None => Ok(Config { value: Value::Object(serde_json::Map::new()) }),
            Some(value) if value.is_object() => Ok(Config { value: value.clone() }),
            Some(value) => Err(Self::wrong(name, value, "an object")),
        }
    }

    /// The local attention window in tokens of a family that has one only where `use_sliding_window` says so: 4096,
    /// transformers' default, when `sliding_window` is missing.
    pub fn sliding_window_if_used(&self) -> Result<Option<usize>, ModelError> {
        if self.flag("use_sliding_window", false)? { self.sliding_window_unless_null(4096) } else { Ok(None) }
    }

    /// The local attention window of a family that has one unless it says `null`: transformers' default when missing.
    pub fn sliding_window_unless_null(&self, default: usize) -> Result<Option<usize>, ModelError> {
        if self.value.get("sliding_window").is_none() {
            Ok(Some(default))
        } else {
            self.optional_size("sliding_window")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(json: &str) -> Result<Rope, ModelError> {
        Config::parse(json).unwrap().rope(64, 1.0)
    }

    #[test]
    fn old_and_new_forms_of_the_rope_settings_agree() {
        let old = r#"{"rope_theta": 500000.0, "rope_scaling": {"type": "linear", "factor": 4.0}}"#;
        let new = r#"{"rope_parameters": {"rope_theta": 500000.0, "rope_type": "linear", "factor": 4.0}}"#;
        assert_eq!(rope(old).unwrap(), rope(new).unwrap());
        let old = r#"{"rotary_pct": 0.25, "rotary_emb_base": 5000}"#;
        let new = r#"{"rope_parameters": {"rope_theta": 5000, "partial_rotary_factor": 0.25, "rope_type": "default"}}"#;
        assert_eq!(rope(old).unwrap(), rope(new).unwrap());
        assert_eq!(rope(old).unwrap().d_rotary, 16);
    }

    #[test]
    fn llama3_keeps_high_and_divides_low_frequencies() {
        let plain = rope(r#"{"rope_theta": 500000.0}"#).unwrap().frequencies;
        let scaled = rope(
            r#"{"rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
                "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}"#,
        )
        .unwrap()
        .frequencies;
        assert_eq!(plain[0], scaled[0]);
        assert_eq!(plain[31] / 8.0, scaled[31]);
        assert!(scaled.iter().zip(&plain).all(|(scaled, plain)| scaled <= plain && *scaled >= plain / 8.0));
    }

    #[test]
    fn missing_and_null_differ_where_a_family_has_a_default() {
        let [missing, null, given] =
            ["{}", r#"{"sliding_window": null, "cap": null}"#, r#"{"sliding_window": 7, "cap": 2.5}"#]
                .map(|json| Config::parse(json).unwrap());
        let windows =
            [&missing, &null, &given].map(|config| config.sliding_window_unless_null(4096).unwrap());
        assert_eq!(windows, [Some(4096), None, Some(7)]);
        let caps = [&missing, &null, &given].map(|config| config.number_unless_null("cap", 50.0).unwrap());
        assert_eq!(caps, [Some(50.0), None, Some(2.5)]);
        assert_eq!(given.sliding_window_if_used().unwrap(), None);
        let used = Config::parse(r#"{"use_sliding_window": true}"#).unwrap();
        assert_eq!(used.sliding_window_if_used().unwrap(), Some(4096));
        assert_eq!(missing.activation_or("act", Activation::Silu).unwrap(), Activation::Silu);
    }

    #[test]
    fn sizes_that_no_model_has_are_refused() {
        let config = Config::parse(r#"{"n_layer": 4294967295, "n_inner": 4294967295}"#).unwrap();
        assert!(config.layers("n_layer").unwrap_err().to_string().contains("n_layer"));
        assert!(config.optional_size("n_inner").unwrap_err().to_string().contains("n_inner"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |json: &str| rope(json).unwrap_err().to_string();
        assert!(message(r#"{"rope_scaling": {"type": "yarn"}}"#).contains("yarn"));
        assert!(message(r#"{"rope_theta": "x"}"#).contains("rope_theta"));
        let config = Config::parse(r#"{"n_layer": -1, "act": "mish"}"#).unwrap();
        assert!(config.size("n_layer").unwrap_err().to_string().contains("n_layer"));
        assert!(config.size("n_head").unwrap_err().to_string().contains("missing"));
        assert!(config.activation("act").unwrap_err().to_string().contains("mish"));
    }
}
