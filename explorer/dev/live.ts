// The live view's side of the development server: answers as src/live.ts says them, from made-up numbers.

import type { ServerResponse } from "node:http";
import type { Component, Metric } from "../src/data.ts";
import type { JobEvents, JobRequest, Live, Tokens } from "../src/live.ts";
import { gridOf, N_LAYERS, N_SAMPLES, noise, tokensOf } from "./made-up.ts";

export const LIVE: Live = {
  model: "made up",
  description: "made up (gpt2, 12 layers)",
  n_layers: N_LAYERS,
  max_tokens: 64,
  max_prompt_bytes: 2000,
  max_samples: 100,
  components: [
    { name: "residual", label: "residual" }, { name: "mlp", label: "mlp" }, { name: "attn", label: "attn" },
    { name: "resid_pre", label: "resid_pre" }, { name: "resid_mid", label: "resid_mid" },
    { name: "mlp_severed", label: "mlp_severed" }, { name: "attn_severed", label: "attn_severed" },
  ],
  corruptions: [
    { name: "noise", label: "noise added" }, { name: "noise_replace", label: "noise in their place" },
    { name: "random_embedding", label: "random embeddings" }, { name: "shuffle", label: "shuffled" }, { name: "pair", label: "another prompt" },
  ],
  metrics: [
    { name: "probability", label: "probability", unit: "", expected_sign: 1 },
    { name: "kl_divergence", label: "KL divergence", unit: "nats", expected_sign: -1 },
    { name: "rank", label: "rank", unit: "", expected_sign: -1 },
  ],
  defaults: {
    components: ["residual"], window: 10, direction: "denoise", corruption: "noise", noise: "s3", samples: N_SAMPLES, seed: 1, metrics: [],
  },
  example: { prompt: "The Space Needle can be found in the city of", subject: "The Space Needle" },
  saves_to: "/home/me/traces",
};

export function tokenize(prompt: string): Tokens {
  const texts = tokensOf(prompt);
  const ends = texts.findIndex((text, i) => i > 0 && !/^ ?\p{Lu}/u.test(text));
  return {
    tokens: texts.map((text, i) => ({ id: 100 + i, text, special: false })),
    top: [" Seattle", " Paris", " the", " Rome", " a"].map((text, i) => ({ id: 7 + i, text, probability: (0.5 + 0.4 * noise(prompt)) / 3 ** i })),
    subject: texts.length > 1 ? [0, ends > 0 ? ends : 1] : null,
  };
}

type Send = <Name extends keyof JobEvents>(name: Name, data: JobEvents[Name]) => void;

interface Made {
  request: JobRequest;
  cancelled: boolean;
}

const jobs = new Map<string, Made>();
let running = 0;

export function start(request: JobRequest): { job: string; command: string } {
  const job = `j${jobs.size + 1}`;
  jobs.set(job, { request, cancelled: false });
  return { job, command: `causal-trace trace --prompt ${JSON.stringify(request.prompt)} --component ${request.settings.components.join(",")}` };
}

export function cancel(job: string): boolean {
  const made = jobs.get(job);
  if (made) made.cancelled = true;
  return made !== undefined;
}

/** Sends a job's events at a pace that can be watched. */
export async function stream(job: string, response: ServerResponse, pace: number): Promise<void> {
  const made = jobs.get(job);
  if (!made) {
    response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ error: "there is no such job" }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.on("close", () => (made.cancelled = true));
  const send: Send = (name, data) => void response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  const wait = () => new Promise((resolve) => setTimeout(resolve, pace));
  while (running > 0 && !made.cancelled) {
    send("queued", { before: running });
    await wait();
  }
  running += 1;
  try {
    await run(made, send, wait);
  } finally {
    running -= 1;
    response.end();
  }
}

async function run(made: Made, send: Send, wait: () => Promise<unknown>): Promise<void> {
  const { prompt, subject, settings, answer } = made.request;
  const tokens = tokensOf(prompt);
  if (/fail/.test(prompt)) return send("failed", { error: "the prompt asks for a failure" });
  send("queued", { before: 0 });
  send("started", {
    tokens, token_ids: tokens.map((_, i) => 100 + i), subject, counterpart_tokens: [], n_layers: N_LAYERS, n_samples: N_SAMPLES,
    components: settings.components.map((name) => ({ name, label: name, window: /mlp|attn/.test(name) ? settings.window : 1 })),
    noise_level: 0.2818,
  });
  const metrics: Metric[] = ["probability", ...settings.metrics];
  const grid = (component: Component, metric: Metric) => gridOf(tokens, subject, component, metric);
  const chosen = tokenize(prompt).top.find((top) => top.id === answer) ?? tokenize(prompt).top[0];
  send("baseline", {
    metrics: metrics.map((metric) => {
      const { clean, corrupted_samples } = grid("residual", metric);
      return { metric, clean, corrupted: [...corrupted_samples] };
    }),
    answer: { id: chosen?.id ?? 0, text: chosen?.text ?? "" },
    foil: " Rome",
  });
  const total = settings.components.length * tokens.length * N_LAYERS;
  let done = 0;
  for (const component of settings.components) {
    const grids = metrics.map((metric) => grid(component, metric));
    for (let layer = N_LAYERS - 1; layer >= 0; layer--) {
      await wait();
      if (made.cancelled) return send("cancelled", {});
      for (const grid of grids) {
        const sites = tokens.map((_, token) => {
          const at = token * N_LAYERS + layer;
          return {
            token, layer, patched: grid.patched[at] ?? 0, indirect_effect: grid.indirect_effect[at] ?? 0,
            percent_improvement: grid.percent_improvement[at] ?? 0, noise_error: grid.noise_error[at] ?? 0,
            samples: [...(grid.patched_samples ?? [])].slice(at * N_SAMPLES, (at + 1) * N_SAMPLES),
          };
        });
        send("sites", { component, metric: grid.metric, sites });
      }
      done += tokens.length;
      send("progress", { done, total });
    }
  }
  send("done", { seconds: 1.25 });
}
