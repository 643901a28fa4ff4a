// Where the parts of a heat map are drawn, in pixels.

import { visible } from "../token-text.tsx";
import { scaleTicks } from "./color-scale.ts";
import type { HeatMapData } from "./model.ts";
import { columnStep, type Tick } from "./ticks.ts";
import { fit, textWidth, wrap } from "./text-width.ts";

export const TITLE_SIZE = 13;
export const LABEL_SIZE = 12;
export const SMALL_SIZE = 11;
const TITLE_LINE = 17;
const SMALL_LINE = 14;
const GAP = 6;
const TICK = 4;
const BAR_WIDTH = 11;
/** Rows as high as they are drawn, as low as labels can stand, and what a map of few rows fills. */
const MAX_ROW = 26;
const MIN_ROW = 15;
const USUAL_HEIGHT = 230;
const MIN_HEIGHT = 72;
const MAX_TICKS = 7;
const TICK_ROOM = 24;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Line {
  text: string;
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  plot: Box;
  bar: Box;
  title: Line[];
  measure: Line;
  rowLabels: string[];
  ticks: Tick[];
  /** Columns whose number is written. */
  columnStep: number;
  columnAxis: Line[];
  note: Line[];
}

export function layOut(data: HeatMapData, width: number, withNote: boolean): Layout {
  const rows = data.rows.length;
  const rowHeight = Math.min(Math.max(USUAL_HEIGHT / Math.max(rows, 1), MIN_ROW), MAX_ROW);
  const height = Math.max(rowHeight * rows, MIN_HEIGHT);
  const most = data.rowKind === "token" ? Math.min(width * 0.3, 150) : Math.min(width * 0.36, 220);
  const rowLabels = data.rows.map((row) => rowLabel(data, row.label, most - textWidth(row.mark ?? "", LABEL_SIZE)));
  const marks = data.rows.map((row) => row.mark ?? "");
  const labelRoom = Math.ceil(Math.max(20, ...rowLabels.map((label, at) => textWidth(label + marks[at], LABEL_SIZE)))) + GAP + 2;

  const ticks = scaleTicks(data.scale, Math.min(Math.floor(height / TICK_ROOM), MAX_TICKS), data.factor);
  const barRoom = 2 * GAP + BAR_WIDTH + TICK + 2 + Math.ceil(Math.max(...ticks.map((tick) => textWidth(tick.label, SMALL_SIZE))));

  const titleLines = wrap(data.title, width, TITLE_SIZE, 600);
  const top = TITLE_LINE * titleLines.length + SMALL_LINE + GAP;
  const plot = { x: labelRoom, y: top, width: Math.max(width - labelRoom - barRoom, 20), height };
  const bar = { x: plot.x + plot.width + 2 * GAP, y: top, width: BAR_WIDTH, height };

  const axisLines = wrap(data.columnAxis, width, SMALL_SIZE);
  const axisTop = top + height + TICK + SMALL_LINE;
  const middle = Math.min(Math.max(plot.x + plot.width / 2, textWidth(axisLines[0] ?? "", SMALL_SIZE) / 2), width / 2 + labelRoom);
  const columnAxis = axisLines.map((text, at) => ({ text, x: middle, y: axisTop + (at + 1) * SMALL_LINE }));
  const bottom = axisTop + axisLines.length * SMALL_LINE + GAP;
  const noteLines = withNote ? (data.note ?? []).flatMap((paragraph) => wrap(paragraph, width, SMALL_SIZE)) : [];

  return {
    width,
    height: bottom + (noteLines.length && GAP) + noteLines.length * SMALL_LINE,
    plot,
    bar,
    title: titleLines.map((text, at) => ({ text, x: 0, y: (at + 1) * TITLE_LINE - 4 })),
    measure: { text: fit(data.measure, width, SMALL_SIZE), x: width, y: top - GAP },
    rowLabels,
    ticks,
    columnStep: columnStep((textWidth(String(data.columns), SMALL_SIZE) + 6) / (plot.width / Math.max(data.columns, 1))),
    columnAxis,
    note: noteLines.map((text, at) => ({ text, x: 0, y: bottom + (at + 1) * SMALL_LINE })),
  };
}

/** A label as it is written, its marks included, as wide as there is room for. */
function rowLabel(data: HeatMapData, label: string, most: number): string {
  return fit(data.rowKind === "token" ? visible(label.slice(0, 400)) : visible(label, "odd"), most, LABEL_SIZE);
}

/** The cell at a place; null outside the plot. */
export function cellAt(plot: Box, rows: number, columns: number, x: number, y: number): { row: number; column: number } | null {
  const column = Math.floor(((x - plot.x) / plot.width) * columns);
  const row = Math.floor(((y - plot.y) / plot.height) * rows);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}

export function cellBox(plot: Box, rows: number, columns: number, { row, column }: { row: number; column: number }): Box {
  const [width, height] = [plot.width / columns, plot.height / rows];
  return { x: plot.x + column * width, y: plot.y + row * height, width, height };
}

/** Hundredths of a pixel are enough. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
