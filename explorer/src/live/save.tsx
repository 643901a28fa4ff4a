import { useEffect, useState } from "preact/hooks";
import { addressOf, useExplorer } from "../explorer.tsx";
import type { Live } from "../live.ts";
import { saveJob } from "./ask.ts";
import { useRunning } from "./use-job.ts";

/** Puts a finished trace into a results folder. */
export function Save({ live, job }: { live: Live; job: string }) {
  const { report, view, reload } = useExplorer();
  const { saved, keepSaved } = useRunning();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  useEffect(() => setProblem(""), [job]);
  if (live.saves_to === null) return <p class="quiet">This server was started without a folder to save traces in.</p>;
  const save = async () => {
    setBusy(true);
    setProblem("");
    try {
      const saved = await saveJob(job);
      await reload();
      keepSaved(saved);
    } catch (error) {
      setProblem(`Not saved: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      setBusy(false);
    }
  };
  const folder = saved && report.folders[saved.folder];
  return (
    <div class="save">
      {!saved && (
        <p>
          <button type="button" disabled={isBusy} onClick={() => void save()}>Save</button>{" "}
          <span class="hint">as a results folder in <code>{live.saves_to}</code></span>
        </p>
      )}
      <p role="status">
        {saved && <>Saved in <code>{saved.path}</code>. </>}
        {folder && <a href={addressOf(view, { tab: "prompts", folder: folder.name, prompt: folder.prompts[0]?.id ?? null })}>Open it</a>}
      </p>
      {problem && <p class="problem" role="alert">{problem}</p>}
    </div>
  );
}
