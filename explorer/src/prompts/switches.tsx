import type { Folder, MetricInfo, PromptDetail } from "../data.ts";
import { MEASURES, type View } from "../state.ts";
import type { Change } from "../use-view.ts";
import { COMPONENT_NAMES, MEASURE_NAMES } from "../words.ts";

interface SwitchesProps {
  folder: Folder;
  detail: PromptDetail | null;
  view: View;
  change: Change;
}

/** What the maps show, and how. */
export function Switches({ folder, detail, view, change }: SwitchesProps) {
  const isShared = view.scale === "shared";
  const cannotShare = view.metric !== "probability" && view.measure !== "improvement";
  return (
    <div class="controls" role="group" aria-label="What the maps show">
      <label>
        Component
        <select value={view.component} onChange={(event) => change({ component: event.currentTarget.value as View["component"] })}>
          {folder.components.length > 1 && <option value="all">all</option>}
          {folder.components.map(({ name }) => <option key={name} value={name}>{COMPONENT_NAMES[name]}</option>)}
        </select>
      </label>
      <MetricSwitches metrics={folder.metrics} view={view} change={change} />
      <SampleSwitch detail={detail} view={view} change={change} />
      {folder.prompts.length > 0 && (
        <label>
          Colour scale
          <select value={view.scale} onChange={(event) => change({ scale: event.currentTarget.value as View["scale"] })}>
            <option value="prompt">of each map</option>
            <option value="shared">shared by the folder</option>
          </select>
        </label>
      )}
      <FormSwitch view={view} change={change} />
      {isShared && cannotShare && (
        <p class="quiet hint">Effects on this metric have no shared scale; each map keeps its own.</p>
      )}
    </div>
  );
}

/** Maps or tables of their numbers. */
export function FormSwitch({ view, change }: { view: View; change: Change }) {
  return (
    <label>
      Shown as
      <select value={view.form} onChange={(event) => change({ form: event.currentTarget.value as View["form"] })}>
        <option value="map">map</option>
        <option value="table">table</option>
      </select>
    </label>
  );
}

/** Metric, measure and cutoff. */
export function MetricSwitches({ metrics, view, change }: { metrics: MetricInfo[]; view: View; change: Change }) {
  return (
    <>
      {metrics.length > 1 && (
        <label>
          Metric
          <select value={view.metric} onChange={(event) => change({ metric: event.currentTarget.value as View["metric"] })}>
            {metrics.map(({ name, label }) => <option key={name} value={name}>{label}</option>)}
          </select>
        </label>
      )}
      <label>
        Shown number
        <select value={view.measure} onChange={(event) => change({ measure: event.currentTarget.value as View["measure"] })}>
          {MEASURES.map((measure) => <option key={measure} value={measure}>{measureName(measure, view.metric)}</option>)}
        </select>
      </label>
      <label class="check" title="Draw effects in the wrong direction as 0">
        <input
          type="checkbox" checked={view.cutoff} disabled={view.measure === "value"}
          onChange={(event) => change({ cutoff: event.currentTarget.checked })}
        />
        cut off at 0
      </label>
    </>
  );
}

function measureName(measure: View["measure"], metric: View["metric"]): string {
  return measure === "value" && metric === "probability" ? "probability of the patched run" : MEASURE_NAMES[measure];
}

/** The mean or one sample, where there are samples. */
function SampleSwitch({ detail, view, change }: Pick<SwitchesProps, "detail" | "view" | "change">) {
  const grid = detail?.grids.find((grid) => grid.patched_samples !== null && grid.n_samples > 1);
  if (!grid) return null;
  const last = grid.n_samples - 1;
  const sample = view.sample === null ? null : Math.min(view.sample, last);
  return (
    <>
      <label>
        Samples
        <select
          value={sample === null ? "mean" : "one"}
          onChange={(event) => change({ sample: event.currentTarget.value === "mean" ? null : 0 })}
        >
          <option value="mean">mean of {grid.n_samples}</option>
          <option value="one">one sample</option>
        </select>
      </label>
      {sample !== null && (
        <label>
          Sample {sample + 1} of {grid.n_samples}
          <input
            type="range" min={1} max={grid.n_samples} value={sample + 1} aria-valuetext={`${sample + 1} of ${grid.n_samples}`}
            onInput={(event) => change({ sample: Number(event.currentTarget.value) - 1 })}
          />
        </label>
      )}
    </>
  );
}
