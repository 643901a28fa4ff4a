// What the page is given, by a report file or by the explorer's server. The other side is crates/report/src/page/.
//
// Names and units are those of the results folder (docs/results-folder.md): probabilities and improvements are
// fractions, tokens and layers count from 0. A number that does not exist is null.

export type Component =
  | "residual" | "mlp" | "attn" | "resid_pre" | "resid_mid" | "mlp_severed" | "attn_severed";

export type Metric =
  | "probability" | "log_probability" | "logit" | "logit_difference" | "kl_divergence" | "rank";

export type PeakClass =
  | "last_subject" | "second_to_last_subject" | "other_subject" | "late_site" | "none";

/** [6 roles][layers] */
export type RoleTable = (number | null)[][];

/** All that is there before a prompt is opened. */
export interface Report {
  /** Name and version of the program that made the page. */
  program: string;
  folders: Folder[];
}

/** One results folder. */
export interface Folder {
  /** What it is called on the page: the folder's name, made unique. */
  name: string;
  model: string;
  n_layers: number;
  direction: "denoise" | "noise";
  components: ComponentInfo[];
  metrics: MetricInfo[];
  /** What was run, in words: [label, text] rows. */
  made: [string, string][];
  /** A command that repeats it; null for imported cases. */
  command: string | null;
  /** Skipped facts by reason, in words, most first: [reason, facts]. */
  skipped: [string, number][];
  /** Averages, one for each metric, in the order of `metrics`; empty where no prompt was traced. */
  summaries: Summary[];
  /** Prompts in each class, one for each component. */
  census: Record<Component, { class: PeakClass; prompts: number }[]>;
  /** Every traced prompt, in the order of the facts. */
  prompts: PromptRow[];
  /** Whether the single samples of every site are in the chunks. */
  has_samples: boolean;
  /** Why some prompts or samples are not in a report file, and what to do; null where all is there. */
  left_out: string | null;
}

export interface ComponentInfo {
  name: Component;
  /** As in "mlp, window of 10 layers". */
  label: string;
  /** Layers patched at once. */
  window: number;
}

export interface MetricInfo {
  name: Metric;
  /** As in "log probability". */
  label: string;
  /** As in "nats"; empty for a fraction. */
  unit: string;
  /** +1 where an effect in the expected direction is positive, else -1. */
  expected_sign: 1 | -1;
}

/** What `causal-trace summary --json` prints (crates/results/src/statistics/summary.rs). */
export interface Summary {
  prompts: number;
  selection: string;
  role_convention: "rome" | "dannyallover";
  metric: Metric;
  average_total_effect: number | null;
  ci95_total_effect: [number | null, number | null];
  mean_clean: number | null;
  mean_corrupted: number | null;
  bootstrap_draws: number;
  components: Partial<Record<Component, ComponentSummary>>;
}

export interface ComponentSummary {
  layers: number;
  window: number;
  roles: string[];
  counts: number[];
  prompt_counts: number[];
  average_indirect_effect: RoleTable;
  sd_indirect_effect: RoleTable;
  average_percent_improvement: RoleTable;
  sd_percent_improvement: RoleTable;
  wrong_direction_share: RoleTable;
  ci95_low: RoleTable;
  ci95_high: RoleTable;
  /** Prompts with their largest effect there: [6][layers]. */
  peaks: number[][];
  without_peak: number;
  role_peaks: number[][];
  noise_error: RoleTable;
}

/** A row of the table of prompts. */
export interface PromptRow {
  id: number;
  prompt: string;
  subject: string;
  answer: string;
  attribute: string;
  correct_prediction: boolean;
  n_tokens: number;
  clean: number;
  corrupted: number;
  total_effect: number;
  /** Where its numbers are; null where a report file leaves them out. */
  chunk: number | null;
  /** One for each of the folder's components, of the probability; null where the case lacks the component. */
  deciding: (DecidingSite | null)[];
}

export interface DecidingSite {
  token: number;
  layer: number;
  /** Its text. */
  text: string;
  indirect_effect: number;
  class: PeakClass;
}

/** One prompt's numbers, decoded from a chunk. */
export interface PromptDetail {
  id: number;
  tokens: string[];
  token_ids: number[];
  /** First token of the subject, and the first after it. */
  subject: [number, number] | null;
  /** Tokens of the corrupted run's prompt; empty where it is not another prompt. */
  counterpart_tokens: string[];
  answer: string;
  /** What the answer's logit is compared with. */
  foil: string | null;
  noise_level: number | null;
  grids: Grid[];
}

/** One component in one metric. Arrays are row-major [tokens][layers]. */
export interface Grid {
  component: Component;
  metric: Metric;
  n_layers: number;
  n_samples: number;
  clean: number;
  corrupted: number;
  /** Empty where only the mean is known. */
  corrupted_samples: Float32Array;
  /** Mean over the samples of the metric with this site patched. */
  patched: Float32Array;
  indirect_effect: Float32Array;
  /** A fraction. */
  percent_improvement: Float32Array;
  /** Standard error of the indirect effect from its samples; NaN where it is not known. */
  noise_error: Float32Array;
  /** [tokens][layers][samples]; null where they are not there. */
  patched_samples: Float32Array | null;
}
