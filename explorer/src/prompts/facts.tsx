import type { ComponentChildren } from "preact";
import type { MetricInfo, PromptDetail, PromptRow } from "../data.ts";
import { number } from "../numbers.ts";
import { PlainText, TokenText } from "../token-text.tsx";
import { Baselines } from "./baseline.tsx";

type Fact = [name: string, text: ComponentChildren, isShown?: boolean];

/** What is known of a prompt beside its maps. */
export function PromptFacts({ row, detail, metric }: { row: PromptRow; detail: PromptDetail; metric: MetricInfo }) {
  const samples = detail.grids[0]?.n_samples ?? 0;
  const isOther = row.attribute.trim() !== "" && row.attribute.trim() !== detail.answer.trim();
  const answer = (
    <>
      <TokenText text={detail.answer} most={200} />
      {!row.correct_prediction && <span class="quiet"> (not the model’s first prediction)</span>}
    </>
  );
  const before: Fact[] = [
    ["answer", answer],
    ["attribute", <PlainText text={row.attribute} most={200} />, isOther],
    ["foil", <TokenText text={detail.foil ?? ""} most={200} />, detail.foil !== null],
  ];
  const after: Fact[] = [
    ["samples", samples, samples > 0],
    ["noise level", number(detail.noise_level ?? 0), detail.noise_level !== null],
    ["prompt of the corrupted run", <PlainText text={detail.counterpart_tokens.join("")} most={5000} />, detail.counterpart_tokens.length > 0],
  ];
  return (
    <dl class="facts">
      {shown(before)}
      <Baselines probability={row} detail={detail} metric={metric} />
      {shown(after)}
    </dl>
  );
}

function shown(facts: Fact[]) {
  return facts.filter(([, , isShown = true]) => isShown).map(([name, text]) => <div key={name}><dt>{name}</dt><dd>{text}</dd></div>);
}
