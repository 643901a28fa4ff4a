import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { Compare } from "./compare/compare.tsx";
import type { Report } from "./data.ts";
import { addressOf, ExplorerContext, findFolder, type Explorer } from "./explorer.tsx";
import { LiveView } from "./live/live-view.tsx";
import { HoldsJob } from "./live/running.tsx";
import { Overview } from "./overview/overview.tsx";
import { Prompts } from "./prompts/prompts.tsx";
import type { Source } from "./source.ts";
import { TABS, type Tab, type View } from "./state.ts";
import { PlainText } from "./token-text.tsx";
import { useView, type Change } from "./use-view.ts";

const TAB_NAMES: Record<Tab, string> = { overview: "Overview", prompts: "Prompts", compare: "Compare", live: "Live" };

export function Page({ source }: { source: Source }) {
  const [view, change] = useView();
  const [report, setReport] = useState<Report | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const reload = useCallback(async () => {
    try {
      setReport(await source.report());
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }, [source]);
  useEffect(() => void reload(), [reload]);
  useEffect(() => {
    // Where there is nothing to look at, there is something to try.
    if (report?.folders.length === 0 && source.live && location.hash === "") change({ tab: "live" });
  }, [report, source, change]);
  useEffect(() => {
    document.documentElement.dataset["theme"] = view.theme;
  }, [view.theme]);
  const explorer = useMemo(
    () => (report ? { source, report, view, change, reload } : null), [source, report, view, change, reload],
  );
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to the content</a>
      <Header program={report?.program ?? null} source={source} view={view} change={change} />
      <main id="main" tabIndex={-1}>
        {problem !== null && <Problem text={problem} isLive={source.live} retry={() => void reload()} />}
        {problem === null && !explorer && <p class="waiting" role="status">Reading the report …</p>}
        <HoldsJob>
          {explorer && <ExplorerContext.Provider value={explorer}><Content explorer={explorer} /></ExplorerContext.Provider>}
        </HoldsJob>
      </main>
    </>
  );
}

/** A file has no live view, whatever its address says. */
function shownTab(view: View, source: Source): Tab {
  return view.tab === "live" && !source.live ? "overview" : view.tab;
}

function skip(event: MouseEvent): void {
  // The address holds the view, so it cannot hold the place to skip to.
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Header({ program, source, view, change }: { program: string | null; source: Source; view: View; change: Change }) {
  const current = shownTab(view, source);
  const tabs = TABS.filter((tab) => tab !== "live" || source.live);
  return (
    <header class="page-header">
      <p class="name">causal-trace{program && <span class="quiet"> {program.replace(/^causal-trace\s*/, "")}</span>}</p>
      <nav aria-label="Views">
        <ul>
          {tabs.map((tab) => (
            <li key={tab}>
              <a href={addressOf(view, { tab })} aria-current={current === tab ? "page" : undefined}>{TAB_NAMES[tab]}</a>
            </li>
          ))}
        </ul>
      </nav>
      <label class="theme">
        <span>Colours</span>
        <select value={view.theme} onChange={(event) => change({ theme: event.currentTarget.value as View["theme"] })}>
          <option value="auto">as the system</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
      </label>
    </header>
  );
}

function Problem({ text, isLive, retry }: { text: string; isLive: boolean; retry: () => void }) {
  return (
    <section class="problem" role="alert">
      <h1>The report could not be read</h1>
      <p>{text}</p>
      <p>{isLive
        ? "Look whether causal-trace serve still runs in its terminal, and what it says there."
        : "The file may have been cut off on its way. Make it again with causal-trace report, or ask for it again."}</p>
      {isLive && <button type="button" onClick={retry}>Try again</button>}
    </section>
  );
}

function Content({ explorer }: { explorer: Explorer }) {
  const { report, view, source } = explorer;
  const tab = shownTab(view, source);
  useEffect(() => {
    document.title = `${TAB_NAMES[tab]} – causal-trace`;
  }, [tab]);
  if (tab === "live") return <LiveView />;
  const found = findFolder(report, view.folder);
  if (!found) return <NoFolders isLive={source.live} />;
  return (
    <>
      {tab !== "compare" && <FolderChooser explorer={explorer} />}
      {tab === "overview" && <Overview folder={found.folder} />}
      {tab === "prompts" && <Prompts folder={found.folder} index={found.index} />}
      {tab === "compare" && <Compare />}
    </>
  );
}

function NoFolders({ isLive }: { isLive: boolean }) {
  return (
    <section class="notice">
      <h1>No results folder</h1>
      <p>{isLive
        ? "The server was started without one. Trace a prompt under Live and save it, or start it again with folders: causal-trace serve RESULTS"
        : "This report was made of no folder."}</p>
    </section>
  );
}

function FolderChooser({ explorer: { report, view, change } }: { explorer: Explorer }) {
  const isUnknown = view.folder !== "" && !report.folders.some((folder) => folder.name === view.folder);
  return (
    <>
      {isUnknown && (
        <p class="notice" role="status">
          There is no folder <q><PlainText text={view.folder} most={100} /></q> here; this is the first one.
        </p>
      )}
      {report.folders.length > 1 && (
        <p class="folder-chooser">
          <label>
            Results folder{" "}
            <select
              value={findFolder(report, view.folder)?.folder.name}
              onChange={(event) => change({ folder: event.currentTarget.value, prompt: null, page: 1, cell: null })}
            >
              {report.folders.map(({ name, model }) => <option key={name} value={name}>{name} ({model})</option>)}
            </select>
          </label>
        </p>
      )}
    </>
  );
}
