import type { PromptRow } from "../data.ts";
import { number, signed } from "../numbers.ts";
import { TokenText } from "../token-text.tsx";
import type { CommonRow } from "./sides.ts";

/** The runs of both sides. */
export function RunTable({ row, names }: { row: CommonRow; names: [string, string] }) {
  const difference = (of: (row: PromptRow) => number) => signed(of(row.second) - of(row.first));
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label="Runs of both sides">
      <table class="runs">
        <thead>
          <tr>
            <th scope="col">side</th><th scope="col">answer</th><th scope="col" class="number">p</th><th scope="col" class="number">p*</th>
            <th scope="col" class="number">total effect</th>
          </tr>
        </thead>
        <tbody>
          <Run name={row.first === row.second ? "both sides" : names[0]} row={row.first} />
          {row.first !== row.second && <Run name={names[1]} row={row.second} />}
          {row.first !== row.second && (
            <tr>
              <th scope="row">difference</th><td />
              <td class="number">{difference((side) => side.clean)}</td>
              <td class="number">{difference((side) => side.corrupted)}</td>
              <td class="number">{difference((side) => side.total_effect)}</td>
            </tr>
          )}
        </tbody>
      </table>
      {row.first.answer !== row.second.answer && <p class="notice">The two sides measured different answers.</p>}
    </div>
  );
}

function Run({ name, row }: { name: string; row: PromptRow }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td><TokenText text={row.answer} most={60} /></td>
      <td class="number">{number(row.clean)}</td>
      <td class="number">{number(row.corrupted)}</td>
      <td class="number">{signed(row.total_effect)}</td>
    </tr>
  );
}
