import type { Cell } from "../state.ts";
import { PlainText, TokenText } from "../token-text.tsx";
import type { HeatMapData, Reading } from "./model.ts";

interface ReadoutProps {
  id: string;
  data: HeatMapData;
  cell: Cell | null;
  readings: Reading[] | null;
  /** Whether a change is said aloud: while the keys move, not while the pointer passes. */
  isSpoken: boolean;
}

/** What is read at a cell. */
export function Readout({ id, data, cell, readings, isSpoken }: ReadoutProps) {
  const row = cell && data.rows[cell.row];
  return (
    <div class="readout" id={id} aria-live={isSpoken ? "polite" : "off"}>
      {cell && row && readings ? (
        <dl>
          <dt>{data.rowAxis}</dt>
          <dd>
            {data.rowKind === "token" ? <TokenText text={row.label} most={200} /> : <PlainText text={row.label} most={200} />}
            {data.rowKind === "token" && <span class="quiet"> (position {cell.row}{row.mark === "*" && ", subject"})</span>}
          </dd>
          {readings.map(({ label, text }) => [<dt key={label}>{label}</dt>, <dd key={`${label} text`}>{text}</dd>])}
        </dl>
      ) : (
        <p class="quiet">Point at a cell, or move with the arrow keys, to read its numbers.</p>
      )}
    </div>
  );
}
