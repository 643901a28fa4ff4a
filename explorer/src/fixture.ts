// A report in memory, for tests and for looking at the page while writing it. It never goes into the bundle.

import type { Component, Folder, Grid, Metric, PeakClass, PromptDetail, PromptRow, Report, DecidingSite } from "./data.ts";
import { facts, tokenize, type Fact } from "./fixture/facts.ts";
import { summarize } from "./fixture/summary.ts";

export const LAYERS = 12;
export const SAMPLES = 5;
const COMPONENTS: Component[] = ["residual", "mlp", "attn"];
const METRICS: Metric[] = ["probability", "logit_difference"];
const PER_CHUNK = 8;

interface Made {
  report: Report;
  details: PromptDetail[][];
}

/** Two folders, of noise and of other subjects' embeddings, which share most of their prompts. */
export function fixture(prompts = 60): Made {
  const folders = [
    make("demo-noise", prompts, 1, "noise 0.2818 (s3), 5 samples, seed 1"),
    make("demo-shuffle", prompts - 5, 2, "the subject's embeddings in another order, 5 samples, seed 1"),
  ];
  return { report: { program: "causal-trace 0.1.0", folders: folders.map(({ folder }) => folder) }, details: folders.map(({ details }) => details) };
}

function make(name: string, prompts: number, seed: number, corruption: string): { folder: Folder; details: PromptDetail[] } {
  const random = randomNumbers(seed);
  const details = facts(prompts).map((fact, at) => detail(fact, at, random));
  const folder: Folder = {
    name, model: "demo", n_layers: LAYERS, direction: "denoise",
    components: COMPONENTS.map((component) => ({
      name: component, window: component === "residual" ? 1 : 3, label: component === "residual" ? "residual, single layer" : `${component}, window of 3 layers`,
    })),
    metrics: [
      { name: "probability", label: "probability", unit: "", expected_sign: 1 },
      { name: "logit_difference", label: "logit difference", unit: "", expected_sign: 1 },
    ],
    made: [
      ["Model", "demo (gpt2, 12 layers, 10.1 M parameters)"], ["Facts", `demo facts, all ${prompts}`], ["Corruption", corruption],
      ["Direction", "restoring"], ["Precision", "f32"], ["Program", "causal-trace 0.1.0"],
    ],
    command: `causal-trace sweep --facts facts.json --component all --window 3 --samples 5 --out ${name}`,
    skipped: [["the model does not predict the attribute", 12], ["the subject is not in the prompt", 3]],
    summaries: [], census: {} as Folder["census"], prompts: details.map((detail, at) => row(detail, facts(prompts)[at] as Fact, at)),
    has_samples: true, left_out: null,
  };
  const last = folder.prompts.at(-1);
  if (last && name === "demo-shuffle") {
    last.chunk = null;
    folder.left_out = "The numbers of 1 prompt are left out to keep the file under 15 MB; causal-trace serve shows all.";
  }
  folder.summaries = METRICS.map((metric) => summarize(folder, details, metric));
  const classes: PeakClass[] = ["last_subject", "second_to_last_subject", "other_subject", "late_site", "none"];
  for (const [at, component] of COMPONENTS.entries()) {
    folder.census[component] = classes.map((name) => ({
      class: name, prompts: folder.prompts.filter((row) => (row.deciding[at]?.class ?? "none") === name).length,
    }));
  }
  return { folder, details };
}

function detail(fact: Fact, id: number, random: () => number): PromptDetail {
  const [before, subject, after] = [fact.before, fact.subject, fact.after].map(tokenize) as [string[], string[], string[]];
  const tokens = [...before, ...subject, ...after];
  const span: [number, number] = [before.length, before.length + subject.length];
  const [clean, corrupted] = [0.35 + 0.64 * random(), 0.01 + 0.2 * random()];
  const late = random() < 0.25;
  const grids = METRICS.flatMap((metric) => COMPONENTS.map((component) => grid(component, metric, tokens.length, span, clean, corrupted, late, random)));
  return {
    id, tokens, token_ids: tokens.map((_, at) => 1000 + at), subject: span, counterpart_tokens: [], answer: fact.answer, foil: " Boston",
    noise_level: 0.2818, grids,
  };
}

export function grid(
  component: Component, metric: Metric, tokens: number, [, end]: [number, number], p: number, corruptedP: number, late: boolean,
  random: () => number,
): Grid {
  const scale = metric === "probability" ? 1 : 12;
  const [clean, corrupted] = [p * scale, corruptedP * scale];
  const sites = tokens * LAYERS;
  const corruptedSamples = Float32Array.from({ length: SAMPLES }, () => corrupted * (0.6 + 0.8 * random()));
  const mean = average(corruptedSamples);
  const samples = new Float32Array(sites * SAMPLES);
  const [patched, effect, improvement, error] = [0, 1, 2, 3].map(() => new Float32Array(sites)) as Float32Array[];
  for (let site = 0; site < sites; site++) {
    const share = shareAt(component, Math.floor(site / LAYERS), site % LAYERS, tokens, end, late);
    const some = corruptedSamples.map((base) => base + (clean - base) * Math.min(share * (0.8 + 0.4 * random()) - 0.03 * random(), 1));
    samples.set(some, site * SAMPLES);
    const middle = average(some);
    patched![site] = middle;
    effect![site] = middle - mean;
    improvement![site] = (middle - mean) / Math.abs(clean - mean);
    const spread = some.map((value, at) => value - (corruptedSamples[at] ?? 0) - (middle - mean));
    error![site] = Math.sqrt(spread.reduce((sum, value) => sum + value * value, 0) / (SAMPLES - 1) / SAMPLES);
  }
  return {
    component, metric, n_layers: LAYERS, n_samples: SAMPLES, clean, corrupted: mean, corrupted_samples: corruptedSamples,
    patched: patched!, indirect_effect: effect!, percent_improvement: improvement!, noise_error: error!, patched_samples: samples,
  };
}

/** How much of the total effect a site brings back: early at the last subject token, late at the last token. */
function shareAt(component: Component, token: number, layer: number, tokens: number, end: number, late: boolean): number {
  const bump = (at: number, width: number) => Math.exp(-(((layer - at) / width) ** 2));
  const [early, last] = late ? [0.3, 0.9] : [0.85, 0.6];
  if (token === end - 1) return component === "residual" ? early * bump(1, 5) : component === "mlp" ? early * 0.7 * bump(3, 3) : -0.12 * bump(4, 3);
  if (token === tokens - 1) return component === "residual" ? last / (1 + Math.exp(6 - layer)) + (1 - last) * bump(11, 0.3) : component === "attn" ? last * 0.6 * bump(7, 2) : 0.15 * bump(9, 2);
  return 0.02;
}

function row(detail: PromptDetail, fact: Fact, at: number): PromptRow {
  const [first] = detail.grids;
  return {
    id: detail.id, prompt: fact.before + fact.subject + fact.after, subject: fact.subject, answer: detail.answer, attribute: fact.answer.trim(),
    correct_prediction: at % 7 !== 3, n_tokens: detail.tokens.length, clean: first?.clean ?? 0, corrupted: first?.corrupted ?? 0,
    total_effect: (first?.clean ?? 0) - (first?.corrupted ?? 0), chunk: Math.floor(at / PER_CHUNK),
    deciding: COMPONENTS.map((component) => deciding(detail, component)),
  };
}

function deciding(detail: PromptDetail, component: Component): DecidingSite | null {
  const grid = detail.grids.find((grid) => grid.component === component && grid.metric === "probability");
  if (!grid) return null;
  let best = -1;
  const trivial = component === "residual" ? grid.indirect_effect.length - 1 : -1;
  grid.indirect_effect.forEach((effect, site) => {
    if (site !== trivial && effect > (grid.indirect_effect[best] ?? 0)) best = site;
  });
  if (best < 0) return null;
  const token = Math.floor(best / LAYERS);
  const end = detail.subject?.[1] ?? 0;
  const isStrong = (grid.percent_improvement[best] ?? 0) >= 0.5;
  const name: PeakClass = !isStrong ? "none" : token === end - 1 ? "last_subject" : token === detail.tokens.length - 1 ? "late_site" : "other_subject";
  return { token, layer: best % LAYERS, text: detail.tokens[token] ?? "", indirect_effect: grid.indirect_effect[best] ?? 0, class: name };
}

function average(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
