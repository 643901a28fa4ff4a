import { useMemo } from "preact/hooks";
import { CommandLine } from "../command-line.tsx";
import type { Folder, MetricInfo, PromptDetail } from "../data.ts";
import { Definitions } from "../definitions.tsx";
import { useExplorer } from "../explorer.tsx";
import type { JobRequest, Live } from "../live.ts";
import { number, signed } from "../numbers.ts";
import { Baselines } from "../prompts/baseline.tsx";
import { MarkedPrompt } from "../prompts/marked-prompt.tsx";
import { PromptMaps } from "../prompts/prompt-maps.tsx";
import { Switches } from "../prompts/switches.tsx";
import type { View } from "../state.ts";
import { TokenText } from "../token-text.tsx";
import { COMPONENT_NAMES, metricInfo, siteName } from "../words.ts";
import type { Job } from "./job.ts";
import { announced, folderOf, largestEffect, standing, tracedParts } from "./outcome.ts";
import { Save } from "./save.tsx";

interface ResultProps {
  live: Live;
  job: Job;
  /** What the job was asked. */
  request: JobRequest;
  /** Whether the form asks for something else by now. */
  isEarlier: boolean;
}

/** How a job stands, and what it has measured so far. */
export function Result({ live, job, request, isEarlier }: ResultProps) {
  const { report, view, change } = useExplorer();
  const { shape, detail } = job;
  const folder = useMemo(() => shape && folderOf(live, request, shape), [live, request, shape]);
  const shown = useMemo(() => folder && clamped(view, folder), [view, folder]);
  return (
    <>
      <h2 class="prompt-title"><MarkedPrompt parts={tracedParts(request.prompt, detail)} /></h2>
      {isEarlier && <p class="notice">The trace below is of an earlier prompt or other settings than the form has now.</p>}
      <Standing job={job} />
      {folder && shown && detail && detail.grids.length > 0 && (
        <>
          <Facts detail={detail} folder={folder} metric={metricInfo(folder, shown.metric)} isDone={job.phase === "done"} />
          <Switches folder={folder} detail={detail} view={shown} change={change} />
          <Definitions />
          <PromptMaps folder={folder} detail={detail} program={report.program} view={shown} change={change} />
        </>
      )}
      <CommandLine label="The same on the command line:" command={job.command} />
      {job.phase === "done" && <Save live={live} job={job.id} />}
    </>
  );
}

function Standing({ job }: { job: Job }) {
  const { done, total } = job.progress;
  const isKnown = job.phase === "done" || total > 0;
  return (
    <div class={`standing ${job.phase}`}>
      {(job.phase === "running" || job.phase === "queued") && (
        <progress aria-label="Sites measured" {...(isKnown ? { value: done, max: total } : {})} />
      )}
      <p class={job.phase === "failed" ? "problem" : undefined} aria-hidden="true">{standing(job)}</p>
      <p class="for-readers" role={job.phase === "failed" ? "alert" : "status"}>{announced(job)}</p>
    </div>
  );
}

/** The view, of what was measured. */
function clamped(view: View, folder: Folder): View {
  const metric = folder.metrics.some(({ name }) => name === view.metric) ? view.metric : "probability";
  const only = folder.components.length === 1 ? folder.components[0]?.name : undefined;
  const component = folder.components.some(({ name }) => name === view.component) ? view.component : only ?? "all";
  return { ...view, metric, component, scale: "prompt" };
}

function Facts({ detail, folder, metric, isDone }: { detail: PromptDetail; folder: Folder; metric: MetricInfo; isDone: boolean }) {
  const grids = detail.grids.filter((grid) => grid.metric === "probability");
  const sign = folder.metrics.find(({ name }) => name === "probability")?.expected_sign ?? 1;
  const baseline = grids[0];
  if (!baseline) return null;
  return (
    <dl class="facts">
      <div><dt>answer</dt><dd><TokenText text={detail.answer} most={200} /></dd></div>
      {detail.foil !== null && <div><dt>foil</dt><dd><TokenText text={detail.foil} most={200} /></dd></div>}
      <Baselines probability={baseline} detail={detail} metric={metric} />
      {detail.noise_level !== null && <div><dt>noise level</dt><dd>{number(detail.noise_level)}</dd></div>}
      {isDone && grids.map((grid) => {
        const window = folder.components.find(({ name }) => name === grid.component)?.window ?? 1;
        const site = largestEffect(detail, grid, window, sign);
        return (
          <div key={grid.component}>
            <dt>largest effect, {COMPONENT_NAMES[grid.component]}</dt>
            <dd>
              {!site && "none in the expected direction"}
              {site && (
                <>
                  <TokenText text={site.text} most={60} /> layer {site.layer}, IE {signed(site.effect)}{" "}
                  <span class="quiet">{siteName(grid.component, site.layer, site.token)}</span>
                </>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
