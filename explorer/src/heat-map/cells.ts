// The cells of a map as few shapes: one path for each colour, neighbours in a row drawn as one.

import { colorOf } from "./color-scale.ts";
import { round, type Box } from "./layout.ts";
import type { HeatMapData } from "./model.ts";

/** Path data for each colour; that of the cells without a value stands under "". */
export function cellPaths(data: Pick<HeatMapData, "values" | "columns" | "rows" | "scale">, plot: Box): Map<string, string> {
  const paths = new Map<string, string>();
  const rows = data.rows.length;
  const x = (column: number) => round(plot.x + (column / data.columns) * plot.width);
  const y = (row: number) => round(plot.y + (row / rows) * plot.height);
  const add = (color: string, row: number, from: number, to: number) => {
    const rectangle = `M${x(from)} ${y(row)}H${x(to)}V${y(row + 1)}H${x(from)}Z`;
    paths.set(color, (paths.get(color) ?? "") + rectangle);
  };
  for (let row = 0; row < rows; row++) {
    let [from, current] = [0, color(data, row, 0)];
    for (let column = 1; column <= data.columns; column++) {
      const next = column < data.columns ? color(data, row, column) : null;
      if (next === current) continue;
      add(current, row, from, column);
      if (next !== null) [from, current] = [column, next];
    }
  }
  return paths;
}

function color(data: Pick<HeatMapData, "values" | "columns" | "scale">, row: number, column: number): string {
  const value = data.values[row * data.columns + column] ?? Number.NaN;
  return Number.isNaN(value) ? "" : colorOf(data.scale, value);
}
