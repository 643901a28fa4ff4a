import { useId } from "preact/hooks";
import type { Cell } from "../state.ts";
import { spoken } from "../token-text.tsx";
import { moved } from "./keys.ts";
import { cellAt, type Box } from "./layout.ts";
import { valueAt, type HeatMapData } from "./model.ts";

interface GridProps {
  data: HeatMapData;
  plot: Box;
  cell: Cell | null;
  describedBy: string;
  onMove: (cell: Cell, settled: boolean) => void;
  onLeave: () => void;
  onFocus: (isFocused: boolean) => void;
}

/** What lies over the picture: takes the pointer and the keys, and is the map for those who cannot see it. */
export function Grid({ data, plot, cell, describedBy, onMove, onLeave, onFocus }: GridProps) {
  const id = useId();
  const [rows, columns] = [data.rows.length, data.columns];
  const active = cell ?? { row: 0, column: 0 };
  const point = (settled: boolean) => (event: PointerEvent | MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const found = cellAt({ ...plot, x: 0, y: 0 }, rows, columns, event.clientX - box.left, event.clientY - box.top);
    const isSame = found && cell && found.row === cell.row && found.column === cell.column;
    if (found && (settled || !isSame)) onMove(found, settled);
  };
  const press = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey) return;
    const next = cell ? moved(cell, event.key, event.ctrlKey, rows, columns) : moved(active, event.key, true, 1, 1);
    if (!next) return;
    event.preventDefault();
    onMove(next, true);
  };
  if (rows === 0 || columns === 0) return null;
  return (
    <div
      class="heat-map-grid"
      role="grid"
      tabIndex={0}
      aria-label={`${data.title}: ${data.rowAxis} by layer. Arrow keys move from cell to cell.`}
      aria-rowcount={rows}
      aria-colcount={columns}
      aria-activedescendant={id}
      aria-describedby={describedBy}
      style={{ left: `${plot.x}px`, top: `${plot.y}px`, width: `${plot.width}px`, height: `${plot.height}px` }}
      onKeyDown={press}
      onPointerMove={point(false)}
      onPointerLeave={onLeave}
      onClick={point(true)}
      onFocus={() => {
        onFocus(true);
        if (!cell) onMove(active, false);
      }}
      onBlur={() => onFocus(false)}
    >
      <div role="row" aria-rowindex={active.row + 1}>
        <div role="gridcell" id={id} aria-colindex={active.column + 1} aria-selected={cell !== null} class="for-readers">
          {describe(data, active)}
        </div>
      </div>
    </div>
  );
}

function describe(data: HeatMapData, cell: Cell): string {
  const row = data.rows[cell.row];
  const label = data.rowKind === "token" ? spoken((row?.label ?? "").slice(0, 200)) : row?.label;
  const value = valueAt(data, cell);
  return `${label}, layer ${cell.column}: ${Number.isNaN(value) ? data.noValue : data.format(value)}`;
}
