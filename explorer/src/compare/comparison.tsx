import { useMemo, useRef } from "preact/hooks";
import { fileName } from "../download.ts";
import { useExplorer } from "../explorer.tsx";
import { HeatMap } from "../heat-map/heat-map.tsx";
import { useCell } from "../heat-map/use-cell.ts";
import { MarkedPrompt, subjectParts } from "../prompts/marked-prompt.tsx";
import { Neighbours } from "../prompts/neighbours.tsx";
import { useShown } from "../prompts/prompt-maps.tsx";
import type { Indexed } from "../prompts/rows.ts";
import { useInSight } from "../prompts/use-in-sight.ts";
import { usePrompt } from "../prompts/use-prompt.ts";
import { compareMaps } from "./maps.ts";
import { RunTable } from "./run-table.tsx";
import { commonMetrics, sideName, type CommonRow, type Side } from "./sides.ts";

/** Both sides of a prompt: its runs, its maps on one scale, and their difference. */
export function Comparison({ sides: [first, second], row, rows }: { sides: [Side, Side]; row: CommonRow; rows: Indexed[] }) {
  const { source, report, view, change } = useExplorer();
  const article = useRef<HTMLElement>(null);
  useInSight(article, row.first.id);
  const reading = useCell(view.cell, (cell) => change({ cell }));
  const [one, other] = [usePrompt(source, first.index, row.first), usePrompt(source, second.index, row.second)];
  const isMeasured = commonMetrics(first.folder, second.folder).some(({ name }) => name === view.metric);
  const shown = useShown(first.folder, { ...view, metric: isMeasured ? view.metric : "probability", sample: null });
  const maps = useMemo(
    () => (one.state === "ready" && other.state === "ready" ? compareMaps([first, second], [one.detail, other.detail], shown, report.program) : null),
    [one, other, first.folder, first.component, second.folder, second.component, shown, report],
  );
  const ready = maps && "sides" in maps ? maps : null;
  const names: [string, string] = [sideName(first, second), sideName(second, first)];
  const left = [[first, row.first] as const, [second, row.second] as const].find(([, side]) => side.chunk === null)?.[0];
  const failed = [one, other].find((side) => side.state === "failed");
  const file = (which: string) => fileName(first.folder.name, `prompt-${row.first.id}`, which, shown.metric.name, shown.measure);
  return (
    <article class="prompt-view" ref={article} aria-busy={!maps && !left && !failed}>
      <Neighbours id={row.first.id} rows={rows} />
      <h2 class="prompt-title">
        <MarkedPrompt parts={subjectParts(row.first, one.state === "ready" ? one.detail : { tokens: [], subject: null })} />
      </h2>
      <RunTable
        row={row} names={names} metric={shown.metric} baselines={ready?.baselines ?? null} canSubtract={!ready || ready.reasons.length === 0}
      />
      {ready && ready.reasons.length > 0 && <p class="notice">{ready.reasons.join(" ")} So there is no map of the difference.</p>}
      {left && <p class="notice">The maps of this prompt are not in this file for {left.folder.name}. {left.folder.left_out}</p>}
      {failed?.state === "failed" && <p class="notice problem" role="alert">The prompt’s numbers could not be read: {failed.problem}</p>}
      {!maps && !left && !failed && <p class="waiting" role="status">Reading the prompt’s numbers …</p>}
      {maps && "problem" in maps && <p class="notice">{maps.problem}</p>}
      {ready && (
        <div class="maps three">
          <HeatMap {...ready.sides[0]} name={file(names[0])} form={view.form} {...reading} />
          <HeatMap {...ready.sides[1]} name={file(names[1])} form={view.form} {...reading} />
          {ready.difference && <HeatMap {...ready.difference} name={file("difference")} form={view.form} {...reading} />}
        </div>
      )}
    </article>
  );
}
