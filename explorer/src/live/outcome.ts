// What is said of a trace beside its maps.

import type { Component, Folder, Grid, PromptDetail } from "../data.ts";
import type { JobRequest, JobShape, Live } from "../live.ts";
import { counted, number } from "../numbers.ts";
import { windowLayers } from "../words.ts";
import { subjectParts } from "../prompts/marked-prompt.tsx";
import { secondsLeft, type Job } from "./job.ts";

/** Components that bring the whole total effect back in the last layer of the last token, whatever the model does. */
const WHOLE: Component[] = ["residual", "resid_mid", "mlp_severed", "attn_severed"];

export interface Site {
  token: number;
  layer: number;
  text: string;
  effect: number;
}

/**
 * The site with the largest effect in the expected direction, the first of equals, without the trivial last site
 * (docs/statistics.md); null where no effect goes that way.
 */
export function largestEffect({ tokens }: PromptDetail, grid: Grid, window: number, expectedSign: number): Site | null {
  let best: Site | null = null;
  for (const [token, text] of tokens.entries()) {
    for (let layer = 0; layer < grid.n_layers; layer++) {
      const reachesEnd = windowLayers(window, layer, grid.n_layers)[1] === grid.n_layers - 1;
      if (WHOLE.includes(grid.component) && token === tokens.length - 1 && reachesEnd) continue;
      const effect = grid.indirect_effect[token * grid.n_layers + layer] ?? Number.NaN;
      if (expectedSign * effect > expectedSign * (best?.effect ?? 0)) best = { token, layer, text, effect };
    }
  }
  return best;
}

/** The traced prompt before, in and after its subject, once its tokens are known. */
export function tracedParts(prompt: string, detail: PromptDetail | null): [before: string, subject: string, after: string] {
  const { tokens, subject } = detail ?? { tokens: [], subject: null };
  const text = subject ? tokens.slice(...subject).join("").trim() : "";
  // A text that stands in the prompt once is marked there; otherwise the tokens say which one it is.
  const isOnce = text !== "" && prompt.indexOf(text) >= 0 && prompt.indexOf(text) === prompt.lastIndexOf(text);
  return subjectParts({ prompt, subject: isOnce ? text : "" }, { tokens, subject });
}

/** The trace as the folder that its maps are drawn from. */
export function folderOf(live: Live, { settings, prompt }: JobRequest, shape: JobShape): Folder {
  const turn = settings.direction === live.defaults.direction ? 1 : -1;
  const metrics = live.metrics.filter(({ name }) => name === "probability" || settings.metrics.includes(name));
  return {
    name: prompt.slice(0, 40),
    model: live.model,
    n_layers: shape.n_layers,
    direction: settings.direction,
    components: shape.components,
    metrics: metrics.map((metric) => ({ ...metric, expected_sign: (turn * metric.expected_sign) as 1 | -1 })),
    made: [], command: null, skipped: [], summaries: [], census: {} as Folder["census"], prompts: [], has_samples: true, left_out: null,
  };
}

/** How a job stands, in a sentence. */
export function standing(job: Job): string {
  switch (job.phase) {
    case "queued":
      return job.before === 0 ? "About to begin." : `Waiting: ${counted(job.before, "other trace")} first.`;
    case "running":
      return job.detail?.grids.length ? `Measuring${leftOf(job)}.` : "Running the clean and the corrupted prompt.";
    case "done":
      return `Done in ${seconds(job.seconds ?? 0)}.`;
    case "failed":
      return `Failed: ${job.error}`;
    case "cancelled":
      return job.detail?.grids.length ? "Cancelled. The maps show what was measured until then." : "Cancelled.";
  }
}

/** The same for a screen reader, which is told of a run's quarters and not of every site. */
export function announced(job: Job): string {
  const { done, total } = job.progress;
  if (job.phase !== "running" || total === 0) return standing(job);
  const quarters = Math.floor((4 * done) / total);
  return quarters === 0 ? "Measuring." : `${25 * quarters} % measured.`;
}

function leftOf(job: Job): string {
  const left = secondsLeft(job);
  return left === null ? "" : `, about ${seconds(Math.max(Math.ceil(left), 1))} left`;
}

export function seconds(value: number): string {
  if (value < 100) return `${value < 10 && !Number.isInteger(value) ? number(value) : Math.round(value)} s`;
  const minutes = Math.round(value / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
