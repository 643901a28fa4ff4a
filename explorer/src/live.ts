// What the live view asks the server, and what it is told. The other side is crates/cli/src/serve/.
//
// Errors are {"error": text} with a status of 400 (the request), 404 (no such thing), 409 (not now), 413 (too large),
// 429 (the queue is full) or 500.

import type { Component, Metric } from "./data.ts";

/** GET /api/live */
export interface Live {
  model: string;
  /** As in "demo (gpt2, 12 layers, 10.1 M parameters)". */
  description: string;
  n_layers: number;
  max_tokens: number;
  /** Limits of a request. */
  max_prompt_bytes: number;
  max_samples: number;
  components: { name: Component; label: string }[];
  corruptions: { name: Corruption; label: string }[];
  metrics: { name: Metric; label: string; unit: string; expected_sign: 1 | -1 }[];
  /** What is filled in at first. */
  defaults: TraceSettings;
  /** A prompt to begin with; null where the model brings none. */
  example: { prompt: string; subject: string } | null;
  /** Where saved traces go; null where the server was told to save none. */
  saves_to: string | null;
}

export type Corruption = "noise" | "noise_replace" | "random_embedding" | "shuffle" | "pair";

/** How a prompt is traced; the words are those of `causal-trace trace --help`. */
export interface TraceSettings {
  components: Component[];
  window: number;
  direction: "denoise" | "noise";
  corruption: Corruption;
  /** As --noise takes it: s3, 0.1, u1.5, t3, m. */
  noise: string;
  samples: number;
  seed: number;
  metrics: Metric[];
}

/** POST /api/tokens with {"prompt": text} */
export interface Tokens {
  tokens: { id: number; text: string; special: boolean }[];
  /** The model's likeliest next tokens, likeliest first. */
  top: { id: number; text: string; probability: number }[];
  /** A guess at the subject, [first, end) in tokens; null where there is none. */
  subject: [number, number] | null;
}

/** POST /api/jobs; answers JobStarted */
export interface JobRequest {
  prompt: string;
  /** [first, end) in tokens. */
  subject: [number, number];
  /** A token's id; null for the model's own prediction. */
  answer: number | null;
  /** The corrupted run's prompt, for the corruption `pair`. */
  counterpart: string | null;
  settings: TraceSettings;
}

export interface JobStarted {
  /** Letters and digits. */
  job: string;
  /** The same trace on the command line. */
  command: string;
}

/**
 * GET /api/jobs/{job}/events: a stream of server-sent events, each with a name and one of these as JSON. It ends after
 * `done`, `failed` or `cancelled`. A job whose stream is closed by its reader is cancelled.
 */
export interface JobEvents {
  /** How many jobs come before this one; sent again when that changes, 0 when it begins. */
  queued: { before: number };
  started: JobShape;
  /** The clean and the corrupted run. */
  baseline: { metrics: { metric: Metric; clean: number; corrupted: number[] }[]; answer: { id: number; text: string }; foil: string | null };
  /** Sites as they are measured, of one component and metric. */
  sites: { component: Component; metric: Metric; sites: SiteEvent[] };
  progress: { done: number; total: number };
  done: { seconds: number };
  failed: { error: string };
  cancelled: Record<string, never>;
}

export interface JobShape {
  tokens: string[];
  token_ids: number[];
  subject: [number, number];
  counterpart_tokens: string[];
  n_layers: number;
  n_samples: number;
  components: { name: Component; label: string; window: number }[];
  noise_level: number | null;
}

export interface SiteEvent {
  token: number;
  layer: number;
  patched: number;
  indirect_effect: number;
  percent_improvement: number;
  noise_error: number | null;
  samples: number[];
}

/** DELETE /api/jobs/{job} cancels it, queued or running: 204. */

/** POST /api/jobs/{job}/save after `done`: writes a results folder and adds it to the explorer. */
export interface Saved {
  /** Its path, as the user knows it. */
  path: string;
  /** Its place in the report that GET /api/report now gives. */
  folder: number;
}
