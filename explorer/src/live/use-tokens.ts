import { useEffect, useState } from "preact/hooks";
import type { Tokens } from "../live.ts";
import { askTokens } from "./ask.ts";

/** How long the reader pauses before the server is asked. */
const PAUSE_MS = 180;

interface Known {
  /** The prompt that the tokens are of. */
  prompt: string;
  tokens: Tokens | null;
  problem: string;
}

export interface PromptTokens {
  /** The last tokens that are known; of an earlier prompt while `isOld`. */
  tokens: Tokens | null;
  isOld: boolean;
  /** Why there are none. */
  problem: string;
}

/** The tokens of a prompt while it is typed. Answers that come after the prompt was changed are dropped. */
export function useTokens(prompt: string, maxBytes: number): PromptTokens {
  const [known, setKnown] = useState<Known>({ prompt: "", tokens: null, problem: "" });
  useEffect(() => {
    if (prompt === "" || new TextEncoder().encode(prompt).length > maxBytes) {
      setKnown({ prompt, tokens: null, problem: "" });
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      askTokens(prompt, abort.signal)
        .then((tokens) => setKnown({ prompt, tokens, problem: "" }))
        .catch((error: unknown) => {
          if (!abort.signal.aborted) setKnown({ prompt, tokens: null, problem: error instanceof Error ? error.message : String(error) });
        });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [prompt, maxBytes]);
  return { tokens: known.tokens, isOld: known.prompt !== prompt, problem: known.prompt === prompt ? known.problem : "" };
}
