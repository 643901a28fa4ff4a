import { axisX, axisY, barX, ruleX, text, type PlotOptions } from "@observablehq/plot";
import { useCallback, useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import type { Folder, Summary } from "../data.ts";
import { fileName } from "../download.ts";
import { SMALL_SIZE } from "../heat-map/layout.ts";
import { textWidth } from "../heat-map/text-width.ts";
import { count, counted, percent } from "../numbers.ts";
import { DECIDING_RULE, PATTERN_NAMES } from "../words.ts";
import { barColor } from "./peaks.tsx";
import { shares, type Share } from "./series.ts";
import { smallPrint, titled } from "./words.ts";

/** What patterns single prompts show. */
export function Census({ folder, summary }: { folder: Folder; summary: Summary }) {
  const all = useMemo(() => shares(folder), [folder]);
  const draw = useCallback((width: number) => chart(all, folder, width), [all, folder]);
  const what = "Of the effect on the probability; the trivial last site is left out.";
  const caption = `${DECIDING_RULE} ${what} n = ${counted(summary.prompts, "prompt")}.`;
  const nameOf = ({ component }: Share) => folder.components[component]?.name ?? "";
  const words = all.map((share) => `${nameOf(share)}, ${PATTERN_NAMES[share.class]}: ${share.prompts} (${percent(share.share)}).`);
  return (
    <Chart
      title="Patterns of single prompts"
      description={`Bars: prompts of each class. ${words.join(" ")}`}
      caption={caption}
      note={[caption, ...smallPrint(folder, summary)]}
      name={fileName(folder.name, "patterns")}
      table={[["component", "class", "prompts", "share"], ...all.map((share) => [nameOf(share), share.class, share.prompts, share.share])]}
      draw={draw}
    />
  );
}

function chart(all: Share[], folder: Folder, width: number): PlotOptions {
  const names = Object.values(PATTERN_NAMES);
  const marginLeft = 14 + Math.max(...names.map((name) => textWidth(name, SMALL_SIZE)));
  const label = ({ prompts, share }: Share) => `${count(prompts)} (${percent(share)})`;
  const marginRight = 10 + Math.max(0, ...all.map((share) => textWidth(label(share), SMALL_SIZE)));
  const name = (share: Share) => PATTERN_NAMES[share.class];
  const colors = folder.components.map((component) => barColor(component.name));
  const titles = folder.components.map((component, at) => ({ component: at, text: titled(component) }));
  return {
    height: 60 + folder.components.length * 116, marginLeft, marginRight, marginTop: 20, marginBottom: 36,
    x: { domain: [0, Math.max(0.01, ...all.map(({ share }) => share))], nice: true },
    y: { domain: names, padding: 0.2 },
    fy: { domain: folder.components.map((_, at) => at), padding: 0.24, axis: null },
    marks: [
      axisX({
        label: "share of prompts (%)", labelAnchor: "center", labelArrow: "none", ticks: width < 480 ? 3 : 6,
        tickFormat: (value: number) => String(Math.round(100 * value)),
      }),
      axisY({ label: null, tickSize: 0 }),
      barX(all, { x: "share", y: name, fy: "component", fill: ({ component }: Share) => colors[component] }),
      ruleX([0], { stroke: "currentColor" }),
      text(all, { x: "share", y: name, fy: "component", text: label, textAnchor: "start", dx: 4 }),
      text(titles, { text: "text", fy: "component", frameAnchor: "top-left", dx: 4 - marginLeft, dy: -14, textAnchor: "start", fontWeight: 600 }),
    ],
  };
}
