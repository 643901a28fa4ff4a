import { useEffect, useState } from "preact/hooks";
import type { PromptDetail, PromptRow } from "../data.ts";
import type { Source } from "../source.ts";

type Loaded = { state: "waiting" } | { state: "failed"; problem: string } | { state: "ready"; detail: PromptDetail };

/** A prompt's numbers, asked for anew when another prompt is opened. */
export function usePrompt(source: Source, folder: number, row: PromptRow | null): Loaded {
  const key = row ? `${folder}/${row.chunk}/${row.id}` : "";
  const [found, setFound] = useState<{ key: string; loaded: Loaded }>({ key: "", loaded: { state: "waiting" } });
  useEffect(() => {
    if (!row || row.chunk === null) return undefined;
    let isWanted = true;
    const keep = (loaded: Loaded) => isWanted && setFound({ key, loaded });
    source.prompt(folder, row.chunk, row.id).then(
      (detail) => keep({ state: "ready", detail }),
      (error: unknown) => keep({ state: "failed", problem: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [source, key]);
  return found.key === key ? found.loaded : { state: "waiting" };
}
