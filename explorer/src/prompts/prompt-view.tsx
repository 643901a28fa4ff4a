import { useEffect, useRef } from "preact/hooks";
import type { Folder, PromptRow } from "../data.ts";
import { addressOf, useExplorer } from "../explorer.tsx";
import { PromptFacts } from "./facts.tsx";
import { MarkedPrompt, subjectParts } from "./marked-prompt.tsx";
import { PromptMaps } from "./prompt-maps.tsx";
import type { Indexed } from "./rows.ts";
import { Switches } from "./switches.tsx";
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
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [row.id]);
  return (
    <article class="prompt-view" aria-busy={loaded.state === "waiting" && row.chunk !== null}>
      <Neighbours row={row} rows={rows} />
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
          <PromptFacts row={row} detail={detail} />
          <Switches folder={folder} detail={detail} view={view} change={change} />
          <PromptMaps folder={folder} detail={detail} program={report.program} view={view} change={change} />
        </>
      )}
    </article>
  );
}

function Neighbours({ row, rows }: { row: PromptRow; rows: Indexed[] }) {
  const { view, report } = useExplorer();
  const at = rows.findIndex((other) => other.row.id === row.id);
  const link = (to: Indexed | undefined, text: string) => (
    to ? <a href={addressOf(view, { prompt: to.row.id })}>{text}</a> : <span class="quiet" aria-disabled="true">{text}</span>
  );
  return (
    <nav class="neighbours" aria-label="Other prompts">
      <a href={addressOf(view, { prompt: null })}>All prompts</a>
      {link(at > 0 ? rows[at - 1] : undefined, "Previous")}
      {link(at >= 0 ? rows[at + 1] : rows[0], "Next")}
      <span class="quiet">{at >= 0 ? `${at + 1} of ${rows.length} in the table` : "not among those in the table"}</span>
      {(report.folders.length > 1 || (report.folders[0]?.components.length ?? 0) > 1) && (
        <a href={addressOf(view, { tab: "compare" })}>Compare</a>
      )}
    </nav>
  );
}
