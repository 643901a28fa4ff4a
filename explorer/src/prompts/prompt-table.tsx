import type { ComponentChildren } from "preact";
import type { CsvRow } from "../csv.ts";
import type { Component } from "../data.ts";
import { fileName } from "../download.ts";
import { Downloads } from "../downloads.tsx";
import { addressOf } from "../explorer.tsx";
import { number, signed } from "../numbers.ts";
import type { Sort, View } from "../state.ts";
import { PlainText, TokenText } from "../token-text.tsx";
import type { Change } from "../use-view.ts";
import { COMPONENT_NAMES, DECIDING_RULE, PATTERN_NAMES } from "../words.ts";
import { PAGE_ROWS, pageOf, type Indexed } from "./rows.ts";

interface PromptTableProps {
  folder: string;
  component: Component | null;
  rows: Indexed[];
  view: View;
  change: Change;
}

/** A page of the prompts. */
export function PromptTable({ folder, component, rows, view, change }: PromptTableProps) {
  const { page, pages } = pageOf(rows.length, view.page);
  const start = (page - 1) * PAGE_ROWS;
  const of = component ? ` (${COMPONENT_NAMES[component]})` : "";
  const head = (sort: Sort, children: ComponentChildren, isNumber = false) => (
    <Head sort={sort} isNumber={isNumber} view={view} change={change}>{children}</Head>
  );
  return (
    <>
      <div class="scroll" role="region" tabIndex={0} aria-label="Table of prompts">
        <table class="prompts" aria-rowcount={rows.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              {head("prompt", "Prompt")}
              {head("answer", "Answer")}
              {head("clean", <abbr title="probability of the answer in the clean run">p</abbr>, true)}
              {head("corrupted", <abbr title="mean probability of the answer in the corrupted runs">p*</abbr>, true)}
              {head("total_effect", <abbr title="total effect, p − p*">TE</abbr>, true)}
              {head("deciding", <><abbr title={DECIDING_RULE}>Deciding site{of}</abbr> and its IE</>)}
              {head("pattern", "Pattern")}
            </tr>
          </thead>
          <tbody>
            {rows.slice(start, start + PAGE_ROWS).map((row, at) => (
              <Row key={row.row.id} indexed={row} place={start + at + 2} view={view} change={change} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p class="quiet">No prompt is like that.</p>}
      <div class="table-foot">
        {pages > 1 && <Pages page={page} pages={pages} change={change} />}
        <Downloads what="the prompts of the table" name={fileName(folder, "prompts")} table={() => csvRows(rows, component)} />
      </div>
    </>
  );
}

function Head({ sort, isNumber, view, change, children }: {
  sort: Sort; isNumber: boolean; view: View; change: Change; children: ComponentChildren;
}) {
  const isSorted = view.sort === sort;
  const next = () => {
    // Numbers begin with the largest; a third press goes back to the order of the facts.
    const first = isNumber || sort === "deciding";
    if (!isSorted) change({ sort, descending: first, page: 1 });
    else if (view.descending === first) change({ descending: !first, page: 1 });
    else change({ sort: "order", descending: false, page: 1 });
  };
  return (
    <th scope="col" class={isNumber ? `number col-${sort}` : `col-${sort}`} aria-sort={isSorted ? (view.descending ? "descending" : "ascending") : undefined}>
      <button type="button" class="sort" onClick={next}>
        {children}<span class="arrow" aria-hidden="true">{isSorted ? (view.descending ? "▼" : "▲") : ""}</span>
      </button>
    </th>
  );
}

function Row({ indexed: { row, deciding, pattern }, place, view, change }: { indexed: Indexed; place: number; view: View; change: Change }) {
  const isOpen = view.prompt === row.id;
  const open = (event: MouseEvent) => {
    // A link opens as links do; text that is being marked stays marked.
    if ((event.target as Element).closest("a") || !getSelection()?.isCollapsed) return;
    change({ prompt: row.id });
  };
  return (
    <tr aria-rowindex={place} class={isOpen ? "open" : undefined} onClick={open}>
      <td class="col-prompt">
        <a href={addressOf(view, { prompt: row.id })} aria-current={isOpen ? "true" : undefined}>
          <PlainText text={row.prompt} most={160} />
        </a>
        {!row.correct_prediction && <span class="quiet wrong"> (not what the model predicts first)</span>}
      </td>
      <td class="col-answer"><TokenText text={row.answer} most={40} /></td>
      <td class="number col-clean">{number(row.clean)}</td>
      <td class="number col-corrupted">{number(row.corrupted)}</td>
      <td class="number col-total_effect">{signed(row.total_effect)}</td>
      <td class="col-deciding">
        {deciding
          ? <><TokenText text={deciding.text} most={24} />, layer {deciding.layer} <span class="quiet">({signed(deciding.indirect_effect)})</span></>
          : <span class="quiet">none</span>}
      </td>
      <td class="col-pattern">{PATTERN_NAMES[pattern]}</td>
    </tr>
  );
}

function Pages({ page, pages, change }: { page: number; pages: number; change: Change }) {
  return (
    <nav class="pages" aria-label="Pages of the table">
      <button type="button" disabled={page <= 1} onClick={() => change({ page: page - 1 })}>Previous page</button>
      <label>
        Page{" "}
        <select value={page} onChange={(event) => change({ page: Number(event.currentTarget.value) })}>
          {Array.from({ length: pages }, (_, at) => <option key={at} value={at + 1}>{at + 1}</option>)}
        </select>
        {" "}of {pages}
      </label>
      <button type="button" disabled={page >= pages} onClick={() => change({ page: page + 1 })}>Next page</button>
    </nav>
  );
}

/** All rows that are let through, not only the page, for a file. */
function csvRows(rows: Indexed[], component: Component | null): CsvRow[] {
  const head = [
    "id", "prompt", "subject", "answer", "attribute", "correct_prediction", "n_tokens", "clean", "corrupted", "total_effect",
    "component", "deciding_token", "deciding_token_text", "deciding_layer", "deciding_indirect_effect", "pattern",
  ];
  const body = rows.map(({ row, deciding, pattern }): CsvRow => [
    row.id, row.prompt, row.subject, row.answer, row.attribute, row.correct_prediction, row.n_tokens, row.clean, row.corrupted,
    row.total_effect, component, deciding?.token ?? null, deciding?.text ?? null, deciding?.layer ?? null,
    deciding?.indirect_effect ?? null, pattern,
  ]);
  return [head, ...body];
}
