import { CommandLine } from "../command-line.tsx";
import type { Folder, MetricInfo, Summary } from "../data.ts";
import { Downloads } from "../downloads.tsx";
import { fileName } from "../download.ts";
import { count, counted, number, percent } from "../numbers.ts";
import { PlainText } from "../token-text.tsx";
import { hasIntervals, intervals } from "./words.ts";

/** What was run. */
export function Made({ folder }: { folder: Folder }) {
  return (
    <section aria-labelledby="made">
      <h2 id="made">What was run</h2>
      <dl class="made">
        {folder.made.map(([label, text]) => [<dt key={label}>{label}</dt>, <dd key={`${label} text`}><PlainText text={text} /></dd>])}
      </dl>
      {folder.command && <CommandLine label="The command that repeats it:" command={folder.command} />}
    </section>
  );
}

/** The averages in numbers, and how many facts they are of. */
export function Counts({ folder, metric, summary }: { folder: Folder; metric: MetricInfo; summary: Summary | null }) {
  const skipped = folder.skipped.reduce((sum, [, facts]) => sum + facts, 0);
  const unit = metric.unit && ` ${metric.unit}`;
  const isProbability = metric.name === "probability";
  const [low, high] = summary?.ci95_total_effect ?? [null, null];
  const isSure = summary !== null && hasIntervals(summary) && low !== null && high !== null;
  return (
    <section aria-labelledby="counts">
      <h2 id="counts">In numbers</h2>
      <dl class="figures">
        <div><dt>prompts traced</dt><dd>{count(folder.prompts.length)}</dd></div>
        <div><dt>facts left out</dt><dd>{count(skipped)}</dd></div>
        {summary && (
          <>
            <div><dt>mean clean {metric.label}{isProbability && " (p)"}</dt><dd>{known(summary.mean_clean)}{unit}</dd></div>
            <div><dt>mean corrupted {metric.label}{isProbability && " (p*)"}</dt><dd>{known(summary.mean_corrupted)}{unit}</dd></div>
            <div>
              <dt>average total effect</dt>
              <dd>
                {known(summary.average_total_effect)}{unit}{" "}
                {isSure && <small>{number(low)} to {number(high)}</small>}
              </dd>
            </div>
          </>
        )}
      </dl>
      {summary && <p class="quiet">The total effect is {isProbability ? "p − p*" : "clean minus corrupted"}. {isSure && `${intervals(summary)}.`}</p>}
      {skipped > 0 && <Skipped folder={folder} skipped={skipped} />}
    </section>
  );
}

function Skipped({ folder, skipped }: { folder: Folder; skipped: number }) {
  const all = skipped + folder.prompts.length;
  const rows = () => [["reason", "facts"], ...folder.skipped];
  return (
    <>
      <div class="scroll">
        <table>
          <caption>{counted(skipped, "fact")} of {count(all)} left out</caption>
          <thead>
            <tr><th scope="col">reason</th><th scope="col" class="number">facts</th><th scope="col" class="number">share</th></tr>
          </thead>
          <tbody>
            {folder.skipped.map(([reason, facts]) => (
              <tr key={reason}><td>{reason}</td><td class="number">{count(facts)}</td><td class="number">{percent(facts / all)}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
      <Downloads what="facts left out" name={fileName(folder.name, "left-out")} table={rows} />
    </>
  );
}

function known(value: number | null): string {
  return value === null ? "–" : number(value);
}
