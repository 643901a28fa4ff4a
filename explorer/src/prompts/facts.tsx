import type { ComponentChildren } from "preact";
import type { PromptDetail, PromptRow } from "../data.ts";
import { number, signed } from "../numbers.ts";
import { PlainText, TokenText } from "../token-text.tsx";

/** What is known of a prompt beside its maps. */
export function PromptFacts({ row, detail }: { row: PromptRow; detail: PromptDetail }) {
  const samples = detail.grids[0]?.n_samples ?? 0;
  const isOther = row.attribute.trim() !== "" && row.attribute.trim() !== detail.answer.trim();
  const answer = (
    <>
      <TokenText text={detail.answer} most={200} />
      {!row.correct_prediction && <span class="quiet"> (not the model’s first prediction)</span>}
    </>
  );
  const facts: [name: string, text: ComponentChildren, isShown?: boolean][] = [
    ["answer", answer],
    ["attribute", <PlainText text={row.attribute} most={200} />, isOther],
    ["foil", <TokenText text={detail.foil ?? ""} most={200} />, detail.foil !== null],
    ["clean run, p", number(row.clean)],
    ["corrupted run, p*", number(row.corrupted)],
    ["total effect, p − p*", signed(row.total_effect)],
    ["samples", samples, samples > 0],
    ["noise level", number(detail.noise_level ?? 0), detail.noise_level !== null],
    ["prompt of the corrupted run", <PlainText text={detail.counterpart_tokens.join("")} most={5000} />, detail.counterpart_tokens.length > 0],
  ];
  return (
    <dl class="facts">
      {facts.filter(([, , isShown = true]) => isShown).map(([name, text]) => <div key={name}><dt>{name}</dt><dd>{text}</dd></div>)}
    </dl>
  );
}
