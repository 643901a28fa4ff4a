import type { MetricInfo, PromptRow } from "../data.ts";
import { totalEffect, type Baseline } from "../effects.ts";
import { metricValue, signed } from "../numbers.ts";
import { TokenText } from "../token-text.tsx";
import { baselineWords, metricWithUnit } from "../words.ts";
import type { CommonRow } from "./sides.ts";

interface RunTableProps {
  row: CommonRow;
  names: [string, string];
  metric: MetricInfo;
  /** Of that metric; null while they are not known. */
  baselines: [Baseline, Baseline] | null;
  canSubtract: boolean;
}

/** The runs of both sides, in the chosen metric. */
export function RunTable({ row, names, metric, baselines, canSubtract }: RunTableProps) {
  const words = baselineWords(metric);
  const [first, second] = metric.name === "probability" ? [row.first, row.second] : baselines ?? [null, null];
  const isOne = row.first === row.second;
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label="Runs of both sides">
      <table class="runs">
        <caption>{metricWithUnit(metric)}</caption>
        <thead>
          <tr>
            <th scope="col">side</th><th scope="col">answer</th>
            <th scope="col" class="number">{words.clean}</th><th scope="col" class="number">{words.corrupted}</th>
            <th scope="col" class="number">{words.total}</th>
          </tr>
        </thead>
        <tbody>
          <Run name={isOne ? "both sides" : names[0]} row={row.first} metric={metric} baseline={first} />
          {!isOne && <Run name={names[1]} row={row.second} metric={metric} baseline={second} />}
          {!isOne && canSubtract && first && second && (
            <tr>
              <th scope="row">difference</th><td />
              <td class="number">{signed(second.clean - first.clean)}</td>
              <td class="number">{signed(second.corrupted - first.corrupted)}</td>
              <td class="number">{signed(totalEffect(second) - totalEffect(first))}</td>
            </tr>
          )}
        </tbody>
      </table>
      {row.first.answer !== row.second.answer && <p class="notice">The two sides measured different answers.</p>}
    </div>
  );
}

function Run({ name, row, metric, baseline }: { name: string; row: PromptRow; metric: MetricInfo; baseline: Baseline | null }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td><TokenText text={row.answer} most={60} /></td>
      <td class="number">{baseline ? metricValue(metric.name, baseline.clean) : "–"}</td>
      <td class="number">{baseline ? metricValue(metric.name, baseline.corrupted) : "–"}</td>
      <td class="number">{baseline ? signed(totalEffect(baseline)) : "–"}</td>
    </tr>
  );
}
