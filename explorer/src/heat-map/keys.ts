// Where a key leads in a grid.

import type { Cell } from "../state.ts";

const PAGE = 5;

/** The cell that a key leads to; null for keys that lead nowhere. */
export function moved(cell: Cell, key: string, ctrl: boolean, rows: number, columns: number): Cell | null {
  const to = (row: number, column: number): Cell => ({
    row: Math.min(Math.max(row, 0), rows - 1),
    column: Math.min(Math.max(column, 0), columns - 1),
  });
  const { row, column } = cell;
  switch (key) {
    case "ArrowUp": return to(row - 1, column);
    case "ArrowDown": return to(row + 1, column);
    case "ArrowLeft": return to(row, column - 1);
    case "ArrowRight": return to(row, column + 1);
    case "PageUp": return to(row - PAGE, column);
    case "PageDown": return to(row + PAGE, column);
    case "Home": return to(ctrl ? 0 : row, 0);
    case "End": return to(ctrl ? rows - 1 : row, columns - 1);
    default: return null;
  }
}
