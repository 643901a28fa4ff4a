import { useMemo } from "preact/hooks";
import { addressOf, useExplorer } from "../explorer.tsx";
import { Filters } from "../prompts/filters.tsx";
import { PromptTable } from "../prompts/prompt-table.tsx";
import { chosenRows, indexed } from "../prompts/rows.ts";
import { Comparison } from "./comparison.tsx";
import { SideChoosers } from "./side-choosers.tsx";
import { commonMetrics, commonRows, sideName, sidesOf, whyNotCommon, type Side } from "./sides.ts";

/** Two folders or two components on the same prompt. */
export function Compare() {
  const { report, view } = useExplorer();
  const sides = sidesOf(report, view);
  if (!sides) return <section class="notice"><h1>Nothing to compare</h1><p>No folder here has a component.</p></section>;
  return <Sides sides={sides} />;
}

function Sides({ sides: [first, second] }: { sides: [Side, Side] }) {
  const { report, view, change } = useExplorer();
  const common = useMemo(() => commonRows(first.folder, second.folder), [first.folder, second.folder]);
  const all = useMemo(
    () => indexed({ ...first.folder, prompts: common.map((row) => row.first) }, first.component), [first.folder, common, first.component],
  );
  const { search, pattern, prediction, sort, descending } = view;
  const rows = useMemo(() => chosenRows(all, view), [all, search, pattern, prediction, sort, descending]);
  const opened = common.find((row) => row.first.id === view.prompt);
  const isSame = first.index === second.index && first.component === second.component;
  return (
    <>
      <h1>Compare</h1>
      <SideChoosers report={report} sides={[first, second]} metrics={commonMetrics(first.folder, second.folder)} view={view} change={change} />
      {isSame && <p class="notice">Both sides are the same. Choose another folder or component for one of them.</p>}
      {view.prompt !== null && !opened && (
        <p class="notice" role="status">
          {whyNotCommon(view.prompt, first, second)} <a href={addressOf(view, { prompt: null })}>Choose another prompt</a>
        </p>
      )}
      {common.length === 0 && (
        <p class="notice">
          {first.folder.name} and {second.folder.name} have no prompt in common: none has the same id and text in both.
        </p>
      )}
      {common.length > 0 && (
        <div class={opened ? "prompts-page with-prompt" : "prompts-page"}>
          <section class="prompts-list" aria-labelledby="common-heading">
            <h2 id="common-heading">{opened ? "Prompts of both sides" : "Choose a prompt of both sides"}</h2>
            <Filters view={view} change={change} shown={rows.length} all={all.length} />
            <PromptTable folder={sideName(first, second)} component={first.component} rows={rows} view={view} change={change} />
          </section>
          {opened && <Comparison sides={[first, second]} row={opened} rows={rows} />}
        </div>
      )}
    </>
  );
}
