import { count, counted } from "../numbers.ts";
import { PATTERNS, type View } from "../state.ts";
import type { Change } from "../use-view.ts";
import { PATTERN_NAMES } from "../words.ts";

/** The search field and the filters over the table. */
export function Filters({ view, change, shown, all }: { view: View; change: Change; shown: number; all: number }) {
  const isNarrowed = view.search !== "" || view.pattern !== "any" || view.prediction !== "any";
  return (
    <search class="controls filters">
      <label>
        Search prompts
        <input
          type="search" value={view.search} maxLength={500} placeholder="words of prompt, subject or answer"
          onInput={(event) => change({ search: event.currentTarget.value, page: 1 })}
        />
      </label>
      <label>
        Pattern
        <select value={view.pattern} onChange={(event) => change({ pattern: event.currentTarget.value as View["pattern"], page: 1 })}>
          <option value="any">any</option>
          {PATTERNS.map((pattern) => <option key={pattern} value={pattern}>{PATTERN_NAMES[pattern]}</option>)}
        </select>
      </label>
      <label>
        Prediction
        <select value={view.prediction} onChange={(event) => change({ prediction: event.currentTarget.value as View["prediction"], page: 1 })}>
          <option value="any">any</option>
          <option value="correct">correct</option>
          <option value="wrong">wrong</option>
        </select>
      </label>
      <p class="count" role="status">
        {isNarrowed ? `${count(shown)} of ${counted(all, "prompt")}` : counted(all, "prompt")}
        {isNarrowed && (
          <>
            {" "}<button type="button" onClick={() => change({ search: "", pattern: "any", prediction: "any", page: 1 })}>Show all</button>
          </>
        )}
      </p>
    </search>
  );
}
