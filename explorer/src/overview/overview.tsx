import "./overview.css";
import { useMemo } from "preact/hooks";
import type { ComponentInfo, Folder, MetricInfo, Summary } from "../data.ts";
import { Definitions } from "../definitions.tsx";
import { fileName } from "../download.ts";
import { useExplorer } from "../explorer.tsx";
import { HeatMap } from "../heat-map/heat-map.tsx";
import { useCell } from "../heat-map/use-cell.ts";
import { FormSwitch } from "../prompts/switches.tsx";
import type { Cell, View } from "../state.ts";
import { PlainText } from "../token-text.tsx";
import { Census } from "./census.tsx";
import { Lines } from "./lines.tsx";
import { Peaks } from "./peaks.tsx";
import { averageMap, readAverage, wrongDirectionMap } from "./role-maps.ts";
import { Counts, Made } from "./run.tsx";
import { titled, type AverageOf } from "./words.ts";

/** A results folder as a whole. */
export function Overview({ folder }: { folder: Folder }) {
  const { view } = useExplorer();
  const chosen = Math.max(folder.metrics.findIndex((metric) => metric.name === view.metric), 0);
  const metric = folder.metrics[chosen];
  const summary = folder.summaries[chosen] ?? null;
  if (!metric) return null;
  const components = folder.components.filter(({ name }) => view.component === "all" || name === view.component);
  const shown = components.length > 0 ? components : folder.components;
  return (
    <>
      <h1><PlainText text={folder.name} /> <span class="quiet"><PlainText text={folder.model} /></span></h1>
      {folder.left_out && <p class="notice">{folder.left_out}</p>}
      <div class="overview-top">
        <Made folder={folder} />
        <Counts folder={folder} metric={metric} summary={summary} />
      </div>
      {summary ? (
        <>
          <section aria-labelledby="averages">
            <h2 id="averages">Averages over prompts, by the tokens' roles</h2>
            <Switches folder={folder} metric={metric} />
            <Definitions />
          </section>
          {shown.map((component) => (
            <ComponentFigures key={component.name} folder={folder} component={component} metric={metric} summary={summary} />
          ))}
          <section aria-labelledby="patterns">
            <h2 id="patterns">Patterns</h2>
            <Census folder={folder} summary={summary} />
          </section>
        </>
      ) : (
        <p class="notice">No prompt was traced, so there is nothing to average.</p>
      )}
    </>
  );
}

/** What the averages are of. */
function Switches({ folder, metric }: { folder: Folder; metric: MetricInfo }) {
  const { view, change } = useExplorer();
  return (
    <div class="controls">
      {folder.components.length > 1 && (
        <label>
          Component
          <select value={view.component} onChange={(event) => change({ component: event.currentTarget.value as View["component"] })}>
            <option value="all">all</option>
            {folder.components.map(({ name, label }) => <option key={name} value={name}>{label}</option>)}
          </select>
        </label>
      )}
      {folder.metrics.length > 1 && (
        <label>
          Metric
          <select value={metric.name} onChange={(event) => change({ metric: event.currentTarget.value as View["metric"] })}>
            {folder.metrics.map(({ name, label }) => <option key={name} value={name}>{label}</option>)}
          </select>
        </label>
      )}
      <label>
        Average of
        <select value={measured(view)} onChange={(event) => change({ measure: event.currentTarget.value as AverageOf })}>
          <option value="effect">indirect effect</option>
          <option value="improvement">percent improvement</option>
        </select>
      </label>
      <label>
        Peaks of
        <select value={view.peaks} onChange={(event) => change({ peaks: event.currentTarget.value as View["peaks"] })}>
          <option value="prompt">prompts</option>
          <option value="role">each role</option>
        </select>
      </label>
      <FormSwitch view={view} change={change} />
      <label class="check" title="Draw effects in the wrong direction as 0">
        <input type="checkbox" checked={view.cutoff} onChange={(event) => change({ cutoff: event.currentTarget.checked })} />
        cut off at 0
      </label>
    </div>
  );
}

function measured(view: View): AverageOf {
  return view.measure === "improvement" ? "improvement" : "effect";
}

function ComponentFigures({ folder, component, metric, summary }: {
  folder: Folder; component: ComponentInfo; metric: MetricInfo; summary: Summary;
}) {
  const { view, change } = useExplorer();
  const of = measured(view);
  const reading = useCell(view.cell, (cell) => change({ cell }));
  const table = summary.components[component.name];
  const averages = useMemo(() => table && { folder, component, metric, summary, table }, [folder, component, metric, summary, table]);
  const average = useMemo(() => averages && averageMap(averages, of, view.cutoff), [averages, of, view.cutoff]);
  const wrong = useMemo(() => averages && wrongDirectionMap(averages), [averages]);
  if (!averages || !average || !wrong) return null;
  const map = { read: (cell: Cell) => readAverage(averages, cell), form: view.form, ...reading };
  const name = (what: string) => fileName(folder.name, component.name, metric.name, what);
  const shared = { folder, component, metric, summary };
  return (
    <section aria-labelledby={`component-${component.name}`}>
      <h3 id={`component-${component.name}`}>{titled(component)}</h3>
      <div class="maps overview-figures">
        <HeatMap data={average} name={name(of)} {...map} />
        <Lines {...shared} of={of} />
        <HeatMap data={wrong} name={name("wrong-direction")} {...map} />
        <Peaks {...shared} of={view.peaks} />
      </div>
    </section>
  );
}
