// The live view's questions to the server.

import type { JobEvents, JobRequest, JobStarted, Saved, Tokens } from "../live.ts";
import { ask, json } from "../source.ts";
import type { JobEvent } from "./job.ts";

export function askTokens(prompt: string, signal: AbortSignal): Promise<Tokens> {
  return json<Tokens>("/api/tokens", { ...posted({ prompt }), signal });
}

export function startJob(request: JobRequest): Promise<JobStarted> {
  return json<JobStarted>("/api/jobs", posted(request));
}

/** Cancels a job, also while the page is left. One that is over by now is none to cancel. */
export function cancelJob(job: string): void {
  ask(`/api/jobs/${encodeURIComponent(job)}`, { method: "DELETE", keepalive: true }).catch(() => undefined);
}

export function saveJob(job: string): Promise<Saved> {
  return json<Saved>(`/api/jobs/${encodeURIComponent(job)}/save`, posted({}));
}

function posted(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

const NAMES: Record<keyof JobEvents, true> = {
  queued: true, started: true, baseline: true, sites: true, progress: true, done: true, failed: true, cancelled: true,
};
const LOST = "The connection to the server was lost, and the trace with it. Look whether causal-trace serve still runs in its terminal.";

/**
 * Follows a job. Its events are handed over in groups, one for each time the screen is drawn, or two a second where
 * the reader wants little motion or does not see the page. What comes back ends it; the server then cancels the job.
 */
export function follow(job: string, receive: (events: JobEvent[]) => void): () => void {
  const stream = new EventSource(`/api/jobs/${encodeURIComponent(job)}/events`);
  let waiting: JobEvent[] = [];
  let isOver = false;
  const hand = () => {
    const events = waiting;
    waiting = [];
    if (events.length > 0 && !isOver) receive(events);
    if (events.some(({ name }) => name === "done" || name === "failed" || name === "cancelled")) stop();
  };
  const put = (event: JobEvent) => {
    waiting.push(event);
    if (waiting.length === 1) soon(hand);
  };
  const stop = () => {
    isOver = true;
    stream.close();
  };
  for (const name of Object.keys(NAMES) as (keyof JobEvents)[]) {
    stream.addEventListener(name, (message: MessageEvent<string>) => put({ name, data: JSON.parse(message.data) } as JobEvent));
  }
  // A stream that was cut is not taken up again: the server has cancelled its job.
  stream.addEventListener("error", () => {
    stream.close();
    put({ name: "failed", data: { error: LOST } });
  });
  return stop;
}

function soon(act: () => void): void {
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden;
  if (isCalm) setTimeout(act, 500);
  else requestAnimationFrame(act);
}
