//! `causal-trace tokens`: what the model will see.

use anyhow::Result;
use causal_trace_core::TokenSpan;
use causal_trace_lm::top_predictions;

use crate::args::TokensArgs;
use crate::models::{Given, NamedModel};
use crate::printer::{Printer, shown};
use crate::prompts;

pub(crate) fn run(args: &TokensArgs, printer: &Printer) -> Result<()> {
    let model = NamedModel::open(Given::of(&args.model, None), args.precision, printer)?;
    let tokenizer = &model.lm.tokenizer;
    let encoded = tokenizer.encode(&args.prompt)?;
    let found =
        args.subject.as_deref().map(|subject| prompts::tokenize(tokenizer, &args.prompt, subject, printer));
    let found = found.transpose()?;
    let subject = found.as_ref().map(|found| found.prompt.subject_span);
    let logits = model.lm.model.last_logits(&encoded.ids)?;
    let predictions: Vec<(u32, String, f32)> = top_predictions(&logits, args.top)
        .into_iter()
        .map(|(id, probability)| (id, tokenizer.token_text(id), probability))
        .collect();
    if args.json {
        let json = serde_json::json!({
            "model": model.to_json(),
            "prompt": args.prompt,
            "ids": encoded.ids,
            "tokens": encoded.texts,
            "special": encoded.special,
            "subject_range": subject.map(|span| [span.start, span.end]),
            "subject_occurrences": found.as_ref().map(|found| found.subject_occurrences),
            "predictions": predictions
                .iter()
                .map(|(id, text, probability)| serde_json::json!({"id": id, "token": text, "probability": probability}))
                .collect::<Vec<_>>(),
        });
        printer.result(&serde_json::to_string_pretty(&json)?);
        return Ok(());
    }
    printer.result(&format!("model {}", model.describe()));
    printer.result(&token_table(&encoded.ids, &encoded.texts, subject));
    if let Some(span) = subject {
        let (first, last) = (span.start, span.end - 1);
        printer.result(&format!("* subject: tokens {first} to {last}"));
    }
    printer.result("next token");
    for (id, text, probability) in predictions {
        printer.result(&format!("{id:>8}  {probability:.4}  '{}'", shown(&text)));
    }
    Ok(())
}

fn token_table(ids: &[u32], texts: &[String], subject: Option<TokenSpan>) -> String {
    let starred = |index: usize| subject.is_some_and(|span| span.range().contains(&index));
    let row = |(index, (id, text)): (usize, (&u32, &String))| {
        let star = if starred(index) { "*" } else { "" };
        format!("{index:>4} {id:>8}  '{}'{star}", shown(text))
    };
    let rows: Vec<String> = ids.iter().zip(texts).enumerate().map(row).collect();
    format!("{:>4} {:>8}  token\n{}", "", "id", rows.join("\n"))
}
