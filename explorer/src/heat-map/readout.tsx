import { useMemo, useRef } from "preact/hooks";
import type { Cell } from "../state.ts";
import { PlainText, TokenText } from "../token-text.tsx";
import type { HeatMapData, HeatMapRow, Reading } from "./model.ts";

interface ReadoutProps {
  id: string;
  data: HeatMapData;
  cell: Cell | null;
  read: (cell: Cell) => Reading[];
  /** Whether a change is said aloud: while the keys move, not while the pointer passes. */
  isSpoken: boolean;
  /** Whether cells are pointed at. A table has no such cells, and its numbers stand in it. */
  isPointedAt: boolean;
}

/**
 * What is read at a cell. Once one was read it keeps the room that any needs, or what stands below would move from under
 * the pointer.
 */
export function Readout({ id, data, cell, read, isSpoken, isPointedAt }: ReadoutProps) {
  const longest = useMemo(() => longestCell(data), [data]);
  const wasRead = useRef(false);
  wasRead.current ||= cell !== null;
  if (!cell && !isPointedAt) return null;
  return (
    <div class="readout">
      <div id={id} aria-live={isSpoken ? "polite" : "off"}>
        {cell
          ? <Readings data={data} cell={cell} readings={read(cell)} />
          : <p class="quiet">Point at a cell, or move with the arrow keys, to read its numbers.</p>}
      </div>
      {isPointedAt && wasRead.current && longest && (
        <div class="room" aria-hidden="true"><Readings data={data} cell={longest} readings={read(longest)} /></div>
      )}
    </div>
  );
}

function Readings({ data, cell, readings }: { data: HeatMapData; cell: Cell; readings: Reading[] }) {
  const row = data.rows[cell.row];
  if (!row) return null;
  return (
    <dl>
      <dt>{data.rowAxis}</dt>
      <dd>
        {data.rowKind === "token" ? <TokenText text={row.label} most={200} /> : <PlainText text={row.label} most={200} />}
        {data.rowKind === "token" && <span class="quiet"> (position {cell.row}{row.mark === "*" && ", subject"})</span>}
      </dd>
      {readings.map(({ label, text }) => [<dt key={label}>{label}</dt>, <dd key={`${label} text`}>{text}</dd>])}
    </dl>
  );
}

/** A cell whose words need as much room as any: in the last layer, of the longest row. */
function longestCell({ rows, columns }: HeatMapData): Cell | null {
  if (rows.length === 0 || columns === 0) return null;
  const length = ({ label, mark = "" }: HeatMapRow) => label.length + 10 * mark.length;
  const row = rows.reduce((best, one, at) => (length(one) > length(rows[best] ?? one) ? at : best), 0);
  return { row, column: columns - 1 };
}
