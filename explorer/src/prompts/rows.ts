// Which prompts the table shows, and in which order.

import type { Component, Folder, PeakClass, PromptRow, DecidingSite } from "../data.ts";
import { PATTERNS, type Sort, type View } from "../state.ts";

/** A folder's prompts with what they are searched by. */
export interface Indexed {
  row: PromptRow;
  /** In small letters. */
  words: string;
  /** Of the component that the table is of. */
  deciding: DecidingSite | null;
  pattern: PeakClass;
}

/** Longer prompts are searched by their beginning. */
const SEARCHED = 20_000;

/** Deciding sites and patterns are those of one component; of "all", of the folder's first. */
export function tableComponent(folder: Folder, component: View["component"]): Component | null {
  const named = folder.components.find((info) => info.name === component) ?? folder.components[0];
  return named?.name ?? null;
}

export function indexed(folder: Folder, component: Component | null): Indexed[] {
  const at = folder.components.findIndex((info) => info.name === component);
  return folder.prompts.map((row) => {
    const deciding = row.deciding[at] ?? null;
    const texts = [row.prompt.slice(0, SEARCHED), row.answer, row.attribute, row.subject.slice(0, SEARCHED), String(row.id)];
    return { row, deciding, pattern: deciding?.class ?? "none", words: texts.join("\n").toLowerCase() };
  });
}

/** The prompts that the view lets through, in its order. */
export function chosenRows(rows: Indexed[], view: Pick<View, "search" | "pattern" | "prediction" | "sort" | "descending">): Indexed[] {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = rows.filter((row) =>
    words.every((word) => row.words.includes(word))
    && (view.pattern === "any" || row.pattern === view.pattern)
    && (view.prediction === "any" || row.row.correct_prediction === (view.prediction === "correct")));
  return sorted(chosen, view.sort, view.descending);
}

const collator = new Intl.Collator("en", { numeric: true });

function sorted(rows: Indexed[], sort: Sort, descending: boolean): Indexed[] {
  const by: Record<Exclude<Sort, "order">, (one: Indexed, other: Indexed) => number> = {
    prompt: (one, other) => collator.compare(one.row.prompt.slice(0, 500), other.row.prompt.slice(0, 500)),
    answer: (one, other) => collator.compare(one.row.answer.trim(), other.row.answer.trim()),
    clean: (one, other) => one.row.clean - other.row.clean,
    corrupted: (one, other) => one.row.corrupted - other.row.corrupted,
    total_effect: (one, other) => one.row.total_effect - other.row.total_effect,
    deciding: (one, other) => (one.deciding?.indirect_effect ?? 0) - (other.deciding?.indirect_effect ?? 0),
    pattern: (one, other) => PATTERNS.indexOf(one.pattern) - PATTERNS.indexOf(other.pattern),
  };
  if (sort === "order") return descending ? [...rows].reverse() : rows;
  const sign = descending ? -1 : 1;
  return [...rows].sort((one, other) => sign * by[sort](one, other));
}

/** Rows of a page of the table. */
export const PAGE_ROWS = 100;

/** The page that can be shown where this one is asked for, and how many there are. */
export function pageOf(rows: number, page: number): { page: number; pages: number } {
  const pages = Math.max(1, Math.ceil(rows / PAGE_ROWS));
  return { page: Math.min(page, pages), pages };
}
