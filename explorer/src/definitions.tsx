import type { ComponentChildren } from "preact";
import { DECIDING_RULE } from "./words.ts";

const DEFINITIONS: [term: string, text: ComponentChildren][] = [
  ["TE, total effect", "p − p*: the answer’s probability in the clean run minus its mean over the corrupted runs. For another metric, clean minus corrupted."],
  ["IE, indirect effect", "What patching one site changes: the metric of the patched run minus that of the run it was patched in, mean over the samples."],
  ["±", "The standard error of the IE over the samples: how far it would move with other draws of the corruption."],
  ["PI, percent improvement", (
    <>
      The IE as a share of the total effect, sample by sample: the mean over the samples of (p*<sub>site</sub> − p*) / |p − p*| (of
      p<sub>site</sub> − p where clean states are corrupted). It is unstable where a sample’s total effect is near 0, and can then have the other sign than the IE.
    </>
  )],
  ["wrong direction", "Where patching does the opposite of what it is for: a restored state that makes the answer less likely, a corrupted one that makes it more likely."],
  ["patterns", DECIDING_RULE],
];

/** What the page's short names mean, for those who ask. */
export function Definitions() {
  return (
    <details class="definitions">
      <summary>What the numbers are</summary>
      <dl class="made">
        {DEFINITIONS.map(([term, text]) => [<dt key={term}>{term}</dt>, <dd key={`${term} text`}>{text}</dd>])}
      </dl>
    </details>
  );
}
