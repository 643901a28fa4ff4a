import type { CsvRow } from "../csv.ts";
import type { Cell } from "../state.ts";
import { PlainText, TokenText } from "../token-text.tsx";
import { shownValue, valueAt, type HeatMapData } from "./model.ts";

/** The map's numbers as a table. */
export function MapTable({ data, cell, onMove }: { data: HeatMapData; cell: Cell | null; onMove: (cell: Cell, settled: boolean) => void }) {
  const columns = Array.from({ length: data.columns }, (_, column) => column);
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label={`${data.title}, as a table`}>
      <table class="numbers">
        <caption>
          {data.title}: {data.measure}
          {data.cutSign !== undefined && ". Values in the wrong direction are shown as 0; the CSV file has them as they are."}
        </caption>
        <thead>
          <tr>
            <th scope="col">{data.rowAxis}</th>
            {columns.map((column) => <th key={column} scope="col"><span class="for-readers">layer </span>{column}</th>)}
          </tr>
        </thead>
        <tbody>
          {data.rows.map(({ label, mark }, row) => (
            <tr key={row}>
              <th scope="row">
                {data.rowKind === "token" ? <TokenText text={label} most={60} /> : <PlainText text={label} most={60} />}{mark}
              </th>
              {columns.map((column) => {
                const value = valueAt(data, { row, column });
                const isRead = cell?.row === row && cell.column === column;
                return (
                  <td key={column} class={isRead ? "read" : undefined} onClick={() => onMove({ row, column }, true)}>
                    {Number.isNaN(value) ? "–" : data.format(shownValue(data, value))}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The same for a file, its numbers in full. */
export function mapRows(data: HeatMapData): CsvRow[] {
  const columns = Array.from({ length: data.columns }, (_, column) => column);
  const isToken = data.rowKind === "token";
  const head = [...(isToken ? ["position"] : []), data.rowAxis, "mark", ...columns.map((column) => `layer ${column}`)];
  const rows = data.rows.map(({ label, mark = "" }, row) => [
    ...(isToken ? [row] : []), label, mark, ...columns.map((column) => valueAt(data, { row, column })),
  ]);
  return [head, ...rows];
}
