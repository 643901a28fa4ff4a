// Made-up prompts and effects for the development server: plausible shapes, no model.

import type { Component, Folder, Grid, Metric, PeakClass, PromptDetail, PromptRow, RoleTable, Summary } from "../src/data.ts";

export const N_LAYERS = 12;
export const N_SAMPLES = 4;
const ROLES = ["first_subject", "middle_subject", "last_subject", "first_subsequent", "further", "last"];
const CLASSES: PeakClass[] = ["last_subject", "second_to_last_subject", "other_subject", "late_site", "none"];
const METRICS: Folder["metrics"] = [
  { name: "probability", label: "probability", unit: "", expected_sign: 1 },
  { name: "kl_divergence", label: "KL divergence", unit: "nats", expected_sign: -1 },
];
const PLACES = ["Space Needle", "Eiffel Tower", "شارع المتنبي", "<script>alert(1)</script>", "Mount\nFuji", "Golden Gate Bridge"];
const ENDINGS = [" is in", " can be found in the city of", " stands in", ", which is located in"];

/** Words and their spaces; enough of a tokenizer to develop with. */
export function tokensOf(text: string): string[] {
  return text.match(/ ?[^\s\p{L}\p{N}]+| ?\p{L}{1,5}| ?\p{N}{1,3}|\s/gu) ?? [];
}

/** The same number between 0 and 1 for the same key. */
export function noise(key: string): number {
  let hash = 2166136261;
  for (const character of key) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619) >>> 0;
  return (Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 8) / 2 ** 24;
}

export function role(token: number, n: number, [first, end]: [number, number]): number {
  if (token < first) return -1;
  if (token === n - 1) return 5;
  if (token === first && first < end - 1) return 0;
  if (token < end - 1) return 1;
  if (token < end) return 2;
  return token === end ? 3 : 4;
}

/** The share of the total effect that a site brings back. */
export function share(component: Component, role: number, layer: number, key: string): number {
  const early = Math.exp(-(((layer - 3) / 3) ** 2));
  const late = 1 / (1 + Math.exp(7 - layer));
  const shape = [early * 0.3, early * 0.4, early * 0.75, layer * 0.004, 0, component === "mlp" ? late * 0.2 : late][role] ?? 0;
  return role < 0 ? 0 : shape * (component === "attn" && role < 3 ? 0.2 : 1) + (noise(key + component + role + layer) - 0.5) * 0.08;
}

export function gridOf(tokens: string[], subject: [number, number], component: Component, metric: Metric): Grid {
  const key = tokens.join("");
  const sign = metric === "kl_divergence" ? -1 : 1;
  const clean = metric === "kl_divergence" ? 0 : 0.5 + 0.45 * noise(key);
  const corruptedSamples = Float32Array.from({ length: N_SAMPLES }, (_, s) => clean - sign * (0.35 + 0.1 * noise(key + s)));
  const corrupted = mean(corruptedSamples);
  const sites = tokens.length * N_LAYERS;
  const samples = new Float32Array(sites * N_SAMPLES);
  const grid: Grid = {
    component, metric, n_layers: N_LAYERS, n_samples: N_SAMPLES, clean, corrupted, corrupted_samples: corruptedSamples,
    patched: new Float32Array(sites), indirect_effect: new Float32Array(sites),
    percent_improvement: new Float32Array(sites), noise_error: new Float32Array(sites), patched_samples: samples,
  };
  for (let at = 0; at < sites; at++) {
    const back = share(component, role(Math.floor(at / N_LAYERS), tokens.length, subject), at % N_LAYERS, key);
    const effects = Array.from(corruptedSamples, (value, s) => (clean - value) * back * (0.9 + 0.2 * noise(`${key}${at}-${s}`)));
    effects.forEach((effect, s) => (samples[at * N_SAMPLES + s] = (corruptedSamples[s] ?? 0) + effect));
    const effect = mean(effects);
    grid.indirect_effect[at] = effect;
    grid.patched[at] = corrupted + effect;
    grid.percent_improvement[at] = effect / Math.abs(clean - corrupted);
    grid.noise_error[at] = Math.sqrt(effects.reduce((sum, value) => sum + (value - effect) ** 2, 0) / (N_SAMPLES - 1) / N_SAMPLES);
  }
  return grid;
}

interface MadeUp {
  folder: Folder;
  details: PromptDetail[];
}

export function madeUpFolder(name: string, components: Component[], prompts: number): MadeUp {
  const details = Array.from({ length: prompts }, (_, id) => detailOf(id, components));
  const infos = components.map((component) => ({
    name: component, label: component === "residual" ? component : `${component}, window of 10 layers`, window: component === "residual" ? 1 : 10,
  }));
  const folder: Folder = {
    name, model: "made up (gpt2)", n_layers: N_LAYERS, direction: "denoise", components: infos, metrics: METRICS,
    made: [
      ["model", "made up (gpt2, 12 layers)"], ["facts", "made-up places"], ["corruption", "Gaussian noise 0.2818 (s3) added to the subject's embeddings"],
      ["samples", String(N_SAMPLES)], ["seed", "1 (independent for every prompt)"], ["precision", "f32"],
    ],
    command: "causal-trace sweep --component all --metric kl_divergence --out places",
    skipped: [["the model predicts something else", 3], ["the subject is not in the prompt", 1]],
    summaries: METRICS.map((metric) => summaryOf(details, components, metric.name)),
    census: Object.fromEntries(components.map((component) => [component, CLASSES.map((name, i) => ({ class: name, prompts: [9, 4, 3, 5, 3][i] ?? 0 }))])) as Folder["census"],
    prompts: details.map((detail) => rowOf(detail, components)),
    has_samples: true,
    left_out: null,
  };
  return { folder, details };
}

function detailOf(id: number, components: Component[]): PromptDetail {
  const place = PLACES[id % PLACES.length] ?? "";
  const tokens = tokensOf(place + (ENDINGS[id % ENDINGS.length] ?? ""));
  const subject: [number, number] = [0, tokensOf(place).length];
  return {
    id, tokens, token_ids: tokens.map((_, i) => 100 + i), subject, counterpart_tokens: [], answer: " Paris", foil: " Rome", noise_level: 0.2818,
    grids: components.flatMap((component) => METRICS.map((metric) => gridOf(tokens, subject, component, metric.name))),
  };
}

function rowOf(detail: PromptDetail, components: Component[]): PromptRow {
  const first = detail.grids[0];
  if (!first) throw new Error("a prompt needs a component");
  return {
    id: detail.id, prompt: detail.tokens.join(""), subject: detail.tokens.slice(...(detail.subject ?? [0, 0])).join(""), answer: " Paris", attribute: "Paris",
    correct_prediction: true, n_tokens: detail.tokens.length, clean: first.clean, corrupted: first.corrupted,
    total_effect: first.clean - first.corrupted, chunk: 0,
    strongest: components.map((component) => {
      const grid = detail.grids.find((grid) => grid.component === component && grid.metric === "probability") ?? first;
      const at = grid.indirect_effect.indexOf(Math.max(...grid.indirect_effect));
      const token = Math.floor(at / N_LAYERS);
      return { token, layer: at % N_LAYERS, text: detail.tokens[token] ?? "", indirect_effect: grid.indirect_effect[at] ?? 0, class: "last_subject" };
    }),
  };
}

function summaryOf(details: PromptDetail[], components: Component[], metric: Metric): Summary {
  const baselines = details.flatMap((detail) => detail.grids.filter((grid) => grid.metric === metric && grid.component === components[0]));
  const clean = mean(baselines.map((grid) => grid.clean));
  const corrupted = mean(baselines.map((grid) => grid.corrupted));
  const table = (cell: (role: number, layer: number) => number | null): RoleTable =>
    ROLES.map((_, role) => Array.from({ length: N_LAYERS }, (_, layer) => cell(role, layer)));
  const tables = Object.fromEntries(components.map((component) => {
    const pooled = (r: number, layer: number, of: "indirect_effect" | "percent_improvement" | "noise_error") =>
      details.flatMap((detail) => detail.tokens.flatMap((_, token) => {
        const grid = detail.grids.find((grid) => grid.component === component && grid.metric === metric);
        const here = role(token, detail.tokens.length, detail.subject ?? [0, 0]) === r;
        return grid && here ? [grid[of][token * N_LAYERS + layer] ?? 0] : [];
      }));
    const average = (of: Parameters<typeof pooled>[2]) => table((r, l) => mean(pooled(r, l, of)));
    const spread = (of: Parameters<typeof pooled>[2]) => table((r, l) => deviation(pooled(r, l, of)));
    const bound = (sign: number) => table((r, l) => {
      const values = pooled(r, l, "indirect_effect");
      return mean(values) + (sign * 2 * (deviation(values) ?? 0)) / Math.sqrt(values.length);
    });
    const peaks = ROLES.map((_, r) => Array.from({ length: N_LAYERS }, (_, l) => (r === 2 && l < 6 ? l : r === 5 && l > 8 ? 2 : 0)));
    return [component, {
      layers: N_LAYERS, window: component === "residual" ? 1 : 10, roles: ROLES,
      counts: ROLES.map((_, r) => pooled(r, 0, "indirect_effect").length), prompt_counts: ROLES.map(() => details.length),
      average_indirect_effect: average("indirect_effect"), sd_indirect_effect: spread("indirect_effect"),
      average_percent_improvement: average("percent_improvement"), sd_percent_improvement: spread("percent_improvement"),
      wrong_direction_share: table((r, l) => noise(`${component}${r}${l}`) * (r === 4 ? 0.6 : 0.2)),
      ci95_low: bound(-1), ci95_high: bound(1), peaks, without_peak: 3, role_peaks: peaks, noise_error: average("noise_error"),
    }];
  })) as Summary["components"];
  return {
    prompts: details.length, selection: "all", role_convention: "rome", metric, average_total_effect: clean - corrupted,
    ci95_total_effect: [clean - corrupted - 0.02, clean - corrupted + 0.02], mean_clean: clean, mean_corrupted: corrupted,
    bootstrap_draws: 2000, components: tables,
  };
}

export function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: number[]): number | null {
  const middle = mean(values);
  return values.length < 2 ? null : Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
