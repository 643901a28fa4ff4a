// What a heat map shows.

import type { Cell } from "../state.ts";
import type { ColorScale } from "./color-scale.ts";

export interface HeatMapRow {
  /** A token's text, exactly, or a name. */
  label: string;
  /** What stands after the label, as the star of the subject's tokens. */
  mark?: string;
}

export interface HeatMapData {
  /** As in "Restoring state after each layer, demo". */
  title: string;
  rows: HeatMapRow[];
  /** Whether labels are tokens, whose spaces are marked, or names. */
  rowKind: "token" | "name";
  /** What a row is called: "token", "role". */
  rowAxis: string;
  /** Number of layers. */
  columns: number;
  columnAxis: string;
  /** Row by row; NaN where there is no value. */
  values: ArrayLike<number>;
  /** What a cell without a value means, as in "not yet measured". */
  noValue: string;
  /** What is measured, above the colour bar. */
  measure: string;
  /** How a value is written. */
  format: (value: number) => string;
  scale: ColorScale;
  /** Where values in the wrong direction are shown as 0: the sign of those in the right one. */
  cutSign?: 1 | -1 | undefined;
  /** 100 where the colour bar counts per cents. */
  factor?: number;
  /** Small print of the downloaded picture. */
  note?: string[];
}

/** A line of what is read at a cell. */
export interface Reading {
  label: string;
  text: string;
}

export function valueAt({ values, columns }: Pick<HeatMapData, "values" | "columns">, { row, column }: Cell): number {
  return values[row * columns + column] ?? Number.NaN;
}

/** A value as it is shown, which is 0 where a cutoff makes it so. */
export function shownValue({ cutSign }: Pick<HeatMapData, "cutSign">, value: number): number {
  return cutSign !== undefined && cutSign * value < 0 ? 0 : value;
}

/** The cell, or the nearest one that is there; null for a map without cells. */
export function clampCell({ rows, columns }: Pick<HeatMapData, "rows" | "columns">, cell: Cell | null): Cell | null {
  if (!cell || rows.length === 0 || columns === 0) return null;
  return { row: Math.min(cell.row, rows.length - 1), column: Math.min(cell.column, columns - 1) };
}
