import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Folder } from "../data.ts";
import { addressOf, useExplorer } from "../explorer.tsx";
import { PromptTable } from "./prompt-table.tsx";
import { PromptView } from "./prompt-view.tsx";
import { chosenRows, indexed, tableComponent } from "./rows.ts";
import { Filters } from "./filters.tsx";

/** The prompts of a folder: a table, and the opened one beside it. */
export function Prompts({ folder, index }: { folder: Folder; index: number }) {
  const { view, change } = useExplorer();
  const component = tableComponent(folder, view.component);
  const all = useMemo(() => indexed(folder, component), [folder, component]);
  const { search, pattern, prediction, sort, descending } = view;
  const rows = useMemo(() => chosenRows(all, view), [all, search, pattern, prediction, sort, descending]);
  const opened = view.prompt === null ? null : folder.prompts.find((row) => row.id === view.prompt) ?? null;
  const list = useRef<HTMLElement>(null);
  useLayoutEffect(() => list.current ? showOpened(list.current) : undefined, [opened?.id]);
  if (folder.prompts.length === 0) {
    return <section class="notice"><h1>No prompt was traced</h1><p>Every fact of {folder.name} was skipped; the overview has the reasons.</p></section>;
  }
  return (
    <div class={opened ? "prompts-page with-prompt" : "prompts-page"}>
      <section class="prompts-list" ref={list} aria-labelledby="prompts-heading">
        <h1 id="prompts-heading" class={opened ? "list-heading" : undefined}>Prompts</h1>
        {view.prompt !== null && !opened && (
          <p class="notice" role="status">
            {folder.name} has no prompt {view.prompt}. <a href={addressOf(view, { prompt: null })}>Close</a>
          </p>
        )}
        {!opened && folder.left_out && <p class="notice">{folder.left_out}</p>}
        <Filters view={view} change={change} shown={rows.length} all={all.length} />
        <PromptTable folder={folder.name} component={component} rows={rows} view={view} change={change} />
      </section>
      {opened && <PromptView folder={folder} index={index} row={opened} rows={rows} />}
    </div>
  );
}

/** Scrolls the list, where it stands beside the opened prompt, to that prompt's row. */
function showOpened(list: HTMLElement): void {
  const row = list.querySelector("tr.open")?.getBoundingClientRect();
  const seen = list.getBoundingClientRect();
  if (!row || (row.top >= seen.top && row.bottom <= seen.bottom)) return;
  list.scrollTop += row.top - seen.top - seen.height / 2;
}
