import { useEffect, useRef } from "preact/hooks";
import type { Folder, PromptRow, Report } from "../data.ts";
import { Definitions } from "../definitions.tsx";
import { addressOf, useExplorer } from "../explorer.tsx";
import { PromptFacts } from "./facts.tsx";
import { MarkedPrompt, subjectParts } from "./marked-prompt.tsx";
import { Neighbours } from "./neighbours.tsx";
import { PromptMaps } from "./prompt-maps.tsx";
import type { Indexed } from "./rows.ts";
import { Switches } from "./switches.tsx";
import { metricInfo } from "../words.ts";
import { useInSight } from "./use-in-sight.ts";
import { usePrompt } from "./use-prompt.ts";

interface PromptViewProps {
  folder: Folder;
  index: number;
  row: PromptRow;
  /** The prompts of the table in its order, for the next and the one before. */
  rows: Indexed[];
}

/** One prompt: what is known of it, and its maps. */
export function PromptView({ folder, index, row, rows }: PromptViewProps) {
  const { source, report, view, change } = useExplorer();
  const loaded = usePrompt(source, index, row);
  const detail = loaded.state === "ready" ? loaded.detail : null;
  const article = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Whoever goes on to the next prompt from here stays here.
    if (!article.current?.contains(document.activeElement)) heading.current?.focus({ preventScroll: true });
  }, [row.id]);
  useInSight(article, row.id);
  return (
    <article class="prompt-view" ref={article} aria-busy={loaded.state === "waiting" && row.chunk !== null}>
      <Neighbours id={row.id} rows={rows}>
        {canCompare(report) && <a href={addressOf(view, { tab: "compare" })}>Compare</a>}
      </Neighbours>
      <h1 ref={heading} tabIndex={-1} class="prompt-title">
        <MarkedPrompt parts={subjectParts(row, detail ?? { tokens: [], subject: null })} />
      </h1>
      {row.chunk === null && (
        <p class="notice">The maps of this prompt are not in this file. {folder.left_out ?? ""}</p>
      )}
      {row.chunk !== null && loaded.state === "waiting" && <p class="waiting" role="status">Reading the prompt’s numbers …</p>}
      {loaded.state === "failed" && <p class="notice problem" role="alert">The prompt’s numbers could not be read: {loaded.problem}</p>}
      {detail && (
        <>
          <PromptFacts row={row} detail={detail} metric={metricInfo(folder, view.metric)} />
          <Switches folder={folder} detail={detail} view={view} change={change} />
          <Definitions />
          <PromptMaps folder={folder} detail={detail} program={report.program} view={view} change={change} />
        </>
      )}
    </article>
  );
}

/** Whether there are two folders or two components. */
function canCompare({ folders }: Report): boolean {
  return folders.length > 1 || (folders[0]?.components.length ?? 0) > 1;
}
