import type { ComponentChildren } from "preact";
import { addressOf, useExplorer } from "../explorer.tsx";
import type { Indexed } from "./rows.ts";

/** Ways to other prompts, in the order of the table. */
export function Neighbours({ id, rows, children }: { id: number; rows: Indexed[]; children?: ComponentChildren }) {
  const { view } = useExplorer();
  const at = rows.findIndex((other) => other.row.id === id);
  const link = (to: Indexed | undefined, text: string) => (
    to ? <a href={addressOf(view, { prompt: to.row.id })}>{text}</a> : <span class="quiet">{text}</span>
  );
  return (
    <nav class="neighbours" aria-label="Other prompts">
      <a href={addressOf(view, { prompt: null })}>All prompts</a>
      {link(at > 0 ? rows[at - 1] : undefined, "Previous")}
      {link(at >= 0 ? rows[at + 1] : rows[0], "Next")}
      <span class="quiet">{at >= 0 ? `${at + 1} of ${rows.length} in the table` : "not among those in the table"}</span>
      {children}
    </nav>
  );
}
