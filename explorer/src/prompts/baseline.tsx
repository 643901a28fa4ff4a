import type { Grid, MetricInfo, PromptDetail } from "../data.ts";
import { totalEffect, type Baseline } from "../effects.ts";
import { metricValue, number, signed } from "../numbers.ts";
import { baselineWords } from "../words.ts";

interface BaselinesProps {
  /** Of the probability. */
  probability: Baseline;
  detail: PromptDetail;
  /** The metric that the maps show. */
  metric: MetricInfo;
}

/** The runs that nothing was patched in, as terms of a list: in the probability, and in the metric that the maps show. */
export function Baselines({ probability, detail, metric }: BaselinesProps) {
  const grid = metric.name === "probability" ? undefined : detail.grids.find((grid) => grid.metric === metric.name);
  return (
    <>
      <div><dt>clean run, p</dt><dd>{number(probability.clean)}</dd></div>
      <div><dt>corrupted run, p*</dt><dd>{number(probability.corrupted)}</dd></div>
      <div><dt>total effect, p − p*</dt><dd>{signed(totalEffect(probability))}</dd></div>
      {grid && <Other grid={grid} metric={metric} />}
    </>
  );
}

function Other({ grid, metric }: { grid: Grid; metric: MetricInfo }) {
  const words = baselineWords(metric);
  const unit = metric.unit && ` ${metric.unit}`;
  const rows = [
    [words.clean, metricValue(metric.name, grid.clean)], [words.corrupted, metricValue(metric.name, grid.corrupted)],
    [words.total, signed(totalEffect(grid))],
  ];
  return <>{rows.map(([word, text]) => <div key={word}><dt>{metric.label}, {word}</dt><dd>{text}{unit}</dd></div>)}</>;
}
