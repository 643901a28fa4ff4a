// The cells of a map as few shapes: one path for each colour, neighbours in a row drawn as one.

import { codeOf } from "./color-scale.ts";
import { round, type Box } from "./layout.ts";
import type { HeatMapData } from "./model.ts";
import { css } from "./ramp.ts";

/** In place of a colour, where there is no value. */
const NONE = -1;

/** Path data for each colour; that of the cells without a value stands under "". */
export function cellPaths(data: Pick<HeatMapData, "values" | "columns" | "rows" | "scale">, plot: Box): Map<string, string> {
  const { values, columns, scale } = data;
  const rows = data.rows.length;
  const xs = Array.from({ length: columns + 1 }, (_, column) => round(plot.x + (column / columns) * plot.width));
  const ys = Array.from({ length: rows + 1 }, (_, row) => round(plot.y + (row / rows) * plot.height));
  const code = (at: number) => {
    const value = values[at] ?? Number.NaN;
    return Number.isNaN(value) ? NONE : codeOf(scale, value);
  };
  const shapes = new Map<number, string[]>();
  for (let row = 0; row < rows; row++) {
    for (let from = 0, to = 0; from < columns; from = to) {
      const color = code(row * columns + from);
      for (to = from + 1; to < columns && code(row * columns + to) === color;) to++;
      const shape = `M${xs[from]} ${ys[row]}H${xs[to]}V${ys[row + 1]}H${xs[from]}Z`;
      const same = shapes.get(color);
      if (same) same.push(shape);
      else shapes.set(color, [shape]);
    }
  }
  return new Map([...shapes].map(([color, list]) => [color === NONE ? "" : css(color), list.join("")]));
}
