// The whole state of the view, and how it stands in the address: #prompts?component=mlp&prompt=12. Only what differs from
// the start is written. What cannot be read is passed over.

import type { Component, Metric, PeakClass } from "./data.ts";

export const TABS = ["overview", "prompts", "compare", "live"] as const;
export const COMPONENTS = ["residual", "mlp", "attn", "resid_pre", "resid_mid", "mlp_severed", "attn_severed"] as const;
export const METRICS = ["probability", "log_probability", "logit", "logit_difference", "kl_divergence", "rank"] as const;
export const MEASURES = ["effect", "improvement", "value"] as const;
export const PATTERNS = ["last_subject", "second_to_last_subject", "other_subject", "late_site", "none"] as const;
const SORTS = ["order", "prompt", "answer", "clean", "corrupted", "total_effect", "deciding", "pattern"] as const;

export type Tab = (typeof TABS)[number];
/** What a map shows of a metric: the indirect effect, the percent improvement, or the metric of the patched run. */
export type Measure = (typeof MEASURES)[number];
export type Sort = (typeof SORTS)[number];

/** A site of a map. */
export interface Cell {
  row: number;
  column: number;
}

export interface View {
  tab: Tab;
  /** A folder's name; empty for the first. */
  folder: string;
  component: Component | "all";
  metric: Metric;
  measure: Measure;
  /** Effects in the wrong direction are drawn as 0. */
  cutoff: boolean;
  /** One sample, from 0; null for their mean. */
  sample: number | null;
  /** Whether every prompt has a colour scale of its own, or all of the folder share one. */
  scale: "prompt" | "shared";
  /** The opened prompt's id. */
  prompt: number | null;
  /** The cell that is read. */
  cell: Cell | null;
  /** Whose largest effects the overview counts: those of prompts, or of each role's tokens. */
  peaks: "prompt" | "role";
  /** How maps are shown. */
  form: "map" | "table";
  search: string;
  sort: Sort;
  descending: boolean;
  pattern: PeakClass | "any";
  prediction: "any" | "correct" | "wrong";
  /** Of the table of prompts, from 1. */
  page: number;
  /** The other side of a comparison; empty or "same" for what this side is. */
  otherFolder: string;
  otherComponent: Component | "same";
  /** The live view's form, in the words of live/form.ts. */
  liveText: string;
  liveSubject: string;
  liveAnswer: number | null;
  liveCounterpart: string;
  liveSettings: string;
  theme: "auto" | "light" | "dark";
}

interface Field<T> {
  /** In the address. */
  key: string;
  start: T;
  read(text: string): T | undefined;
  write(value: T): string;
}

/** How every part of the view stands in the address. */
const FIELDS: { [K in keyof View]: Field<View[K]> } = {
  tab: choice("tab", TABS, "overview"),
  folder: text("folder"),
  component: choice("component", ["all", ...COMPONENTS], "all"),
  metric: choice("metric", METRICS, "probability"),
  measure: choice("measure", MEASURES, "effect"),
  cutoff: flag("cutoff"),
  sample: whole("sample", 0),
  scale: choice("scale", ["prompt", "shared"], "prompt"),
  prompt: whole("prompt", -Number.MAX_SAFE_INTEGER),
  cell: { key: "cell", start: null, read: readCell, write: (cell) => (cell ? `${cell.row}.${cell.column}` : "") },
  peaks: choice("peaks", ["prompt", "role"], "prompt"),
  form: choice("form", ["map", "table"], "map"),
  search: text("search"),
  sort: choice("sort", SORTS, "order"),
  descending: flag("descending"),
  pattern: choice("pattern", ["any", ...PATTERNS], "any"),
  prediction: choice("prediction", ["any", "correct", "wrong"], "any"),
  page: { key: "page", start: 1, read: (text) => readWhole(text, 1), write: String },
  otherFolder: text("with-folder"),
  otherComponent: choice("with-component", ["same", ...COMPONENTS], "same"),
  liveText: text("text"),
  liveSubject: text("subject"),
  liveAnswer: whole("answer", 0),
  liveCounterpart: text("counterpart"),
  liveSettings: text("settings"),
  theme: choice("theme", ["auto", "light", "dark"], "auto"),
};

const NAMES = Object.keys(FIELDS) as (keyof View)[];

/** What a change of makes a new entry of the history; other changes take the place of the entry. */
const PLACES: (keyof View)[] = ["tab", "folder", "prompt", "otherFolder"];

export const START: View = Object.fromEntries(NAMES.map((name) => [name, FIELDS[name].start])) as unknown as View;

/** The view that a hash, with or without its #, stands for. */
export function readView(hash: string): View {
  const [tab = "", ...rest] = hash.replace(/^#/, "").split("?");
  const given = new URLSearchParams(rest.join("?"));
  const view = { ...START };
  set(view, "tab", tab);
  for (const name of NAMES) {
    const value = given.get(FIELDS[name].key);
    if (name !== "tab" && value !== null) set(view, name, value);
  }
  return view;
}

function set<K extends keyof View>(view: View, name: K, text: string): void {
  const value = FIELDS[name].read(text);
  if (value !== undefined) view[name] = value;
}

/** A view as a hash with its #; empty for the start. */
export function writeView(view: View): string {
  const given = new URLSearchParams();
  for (const name of NAMES) {
    if (name !== "tab" && isChanged(view, name)) given.set(FIELDS[name].key, written(view, name));
  }
  const query = given.toString();
  if (!query && !isChanged(view, "tab")) return "";
  return `#${view.tab}${query && "?"}${query}`;
}

/** Whether going back should lead from one view to the other. */
export function isAnotherPlace(from: View, to: View): boolean {
  return PLACES.some((name) => written(from, name) !== written(to, name));
}

function isChanged(view: View, name: keyof View): boolean {
  return written(view, name) !== written(START, name);
}

function written<K extends keyof View>(view: View, name: K): string {
  return FIELDS[name].write(view[name]);
}

function choice<T extends string>(key: string, choices: readonly T[], start: T): Field<T> {
  return { key, start, read: (text) => choices.find((choice) => choice === text), write: (value) => value };
}

function text(key: string): Field<string> {
  return { key, start: "", read: (text) => text, write: (value) => value };
}

function flag(key: string): Field<boolean> {
  const read = (text: string) => (text === "yes" ? true : text === "no" ? false : undefined);
  return { key, start: false, read, write: (value) => (value ? "yes" : "no") };
}

/** A whole number of at least `least`; null where there is none. */
function whole(key: string, least: number): Field<number | null> {
  const write = (value: number | null) => (value === null ? "" : String(value));
  return { key, start: null, read: (text) => readWhole(text, least), write };
}

function readWhole(text: string, least: number): number | undefined {
  const number = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) && number >= least ? number : undefined;
}

function readCell(text: string): Cell | undefined {
  const [, row, column] = /^(\d{1,6})\.(\d{1,6})$/.exec(text) ?? [];
  return row === undefined || column === undefined ? undefined : { row: Number(row), column: Number(column) };
}
