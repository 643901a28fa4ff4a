import { useMemo } from "preact/hooks";
import type { Component, Folder, Grid, PromptDetail } from "../data.ts";
import { fileName } from "../download.ts";
import { HeatMap, type HeatMapProps } from "../heat-map/heat-map.tsx";
import { sharedScale } from "../heat-map/shared-scale.ts";
import { readSite, traceMap, tracedPrompt, traceNote, type Shown, type TracedPrompt } from "../heat-map/trace-map.ts";
import { useCell } from "../heat-map/use-cell.ts";
import type { View } from "../state.ts";
import type { Change } from "../use-view.ts";
import { COMPONENT_NAMES, componentInfo, metricInfo } from "../words.ts";

interface PromptMapsProps {
  folder: Folder;
  detail: PromptDetail;
  program: string;
  view: View;
  change: Change;
}

/** A map for each component that is asked for. All read the same cell. */
export function PromptMaps({ folder, detail, program, view, change }: PromptMapsProps) {
  const reading = useCell(view.cell, (cell) => change({ cell }));
  const shown = useShown(folder, view);
  const prompt = useMemo(() => tracedPrompt(folder, detail), [folder, detail]);
  const wanted = folder.components.map((info) => info.name).filter((name) => view.component === "all" || name === view.component);
  const grids = detail.grids.filter((grid) => grid.metric === shown.metric.name && wanted.includes(grid.component));
  const missing = wanted.filter((name) => !grids.some((grid) => grid.component === name));
  return (
    <>
      {missing.length > 0 && (
        <p class="notice">This prompt was not traced for {missing.map((name) => COMPONENT_NAMES[name]).join(", ")}.</p>
      )}
      <div class="maps">
        {grids.map((grid) => (
          <PromptMap
            key={grid.component} folder={folder} detail={detail} prompt={prompt} grid={grid} shown={shown} program={program}
            isShared={view.scale === "shared"} form={view.form} {...reading}
          />
        ))}
      </div>
    </>
  );
}

interface PromptMapProps extends Pick<HeatMapProps, "form" | "cell" | "onCell" | "onLeave"> {
  folder: Folder;
  detail: PromptDetail;
  prompt: TracedPrompt;
  grid: Grid;
  shown: Shown;
  program: string;
  isShared: boolean;
}

function PromptMap({ folder, detail, prompt, grid, shown, program, isShared, ...reading }: PromptMapProps) {
  const { component } = grid;
  const { window } = componentInfo(folder, component);
  const data = useMemo(() => {
    const scale = isShared ? sharedScale(folder, component, shown.metric.name, shown.measure) : null;
    return traceMap({ prompt, grid, window, shown, scale, note: traceNote(grid, shown.metric, detail, program) });
  }, [folder, detail, prompt, grid, window, shown, isShared, program]);
  return (
    <HeatMap
      data={data}
      read={(cell) => readSite(prompt, detail.grids, folder.metrics, component, window, shown, cell)}
      name={mapFileName(folder, detail.id, component, shown)}
      {...reading}
    />
  );
}

/** What of a metric is shown, the same value as long as nothing of it changes. */
export function useShown(folder: Folder, { metric: name, measure, cutoff, sample }: View): Shown {
  return useMemo(() => ({ metric: metricInfo(folder, name), measure, cutoff, sample }), [folder, name, measure, cutoff, sample]);
}

function mapFileName(folder: Folder, id: number, component: Component, { metric, measure, sample }: Shown): string {
  const which = sample === null ? "" : `sample-${sample + 1}`;
  return fileName(folder.name, `prompt-${id}`, component, metric.name === "probability" ? "" : metric.name, measure, which);
}
