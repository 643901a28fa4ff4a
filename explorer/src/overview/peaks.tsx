import { axisX, axisY, pointerX, rectY, ruleY, text, tip, type PlotOptions } from "@observablehq/plot";
import { useCallback, useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import type { Component, ComponentInfo, Folder, MetricInfo, Summary } from "../data.ts";
import { fileName } from "../download.ts";
import { SMALL_SIZE } from "../heat-map/layout.ts";
import { colorAt, css } from "../heat-map/ramp.ts";
import { textWidth } from "../heat-map/text-width.ts";
import { columnStep, roundTicks } from "../heat-map/ticks.ts";
import { count, counted } from "../numbers.ts";
import { layerAxis } from "../words.ts";
import { every } from "./lines.tsx";
import { ROLES } from "./roles.ts";
import { bars, peakRoles, type Bar, type PeaksOf } from "./series.ts";
import { doing, smallPrint } from "./words.ts";

interface PeaksProps {
  folder: Folder;
  component: ComponentInfo;
  metric: MetricInfo;
  summary: Summary;
  of: PeaksOf;
}

/** How many prompts have their peak in each layer, a row of bars for each role. */
export function Peaks({ folder, component, metric, summary, of }: PeaksProps) {
  const table = summary.components[component.name];
  const all = useMemo(() => (table ? bars(table, of) : []), [table, of]);
  const layers = layerAxis(component.name, folder.direction, component.window);
  const draw = useCallback((width: number) => chart(all, width, component.name, layers), [all, component, layers]);
  if (!table) return null;
  const sums = ROLES.map((_, role) => all.filter((bar) => bar.role === role).reduce((sum, bar) => sum + bar.prompts, 0));
  const without = table.without_peak === 0
    ? "Every prompt has one." : `Without one: ${counted(table.without_peak, "prompt")} of ${count(summary.prompts)}.`;
  const { none } = peakRoles(all);
  const empty = none.length === 0 ? "" : ` None at: ${none.map((role) => ROLES[role]).join(", ")}.`;
  const caption = of === "prompt"
    ? `The site with the largest effect in the expected direction, once for every prompt. ${without}${empty} n = ${counted(summary.prompts, "prompt")}.`
    : `For each role by itself, the layer with the largest effect of its tokens.${empty} n = ${counted(summary.prompts, "prompt")}.`;
  return (
    <Chart
      title={`Largest effect of ${of === "prompt" ? "each prompt" : "each role"}, ${doing(folder, component)}`}
      description={`Bars: prompts by layer, for each role. ${ROLES.map((role, at) => `${role}: ${sums[at]}.`).join(" ")} ${caption}`}
      caption={caption}
      note={[caption, ...smallPrint(folder, summary)]}
      name={fileName(folder.name, component.name, metric.name, of === "prompt" ? "peaks" : "role-peaks")}
      table={[["role", "layer", "prompts"], ...all.map(({ role, layer, prompts }) => [ROLES[role] ?? "", layer, prompts])]}
      draw={draw}
    />
  );
}

/** At most three whole numbers. */
function countTicks(most: number): number[] {
  return roundTicks(0, most, 3).map(({ value }) => value).filter(Number.isInteger);
}

const BAR_DARKNESS = 0.62;
const MARGIN_LEFT = 44;
const MARGIN_RIGHT = 12;

export function barColor(component: Component): string {
  return css(colorAt(component, BAR_DARKNESS));
}

function chart(all: Bar[], width: number, component: Component, layerAxis: string): PlotOptions {
  const layers = 1 + Math.max(0, ...all.map((bar) => bar.layer));
  const step = columnStep((textWidth(String(layers), SMALL_SIZE) + 8) / ((width - MARGIN_LEFT - MARGIN_RIGHT) / layers));
  const most = Math.max(1, ...all.map((bar) => bar.prompts));
  const { some } = peakRoles(all);
  const shown = all.filter(({ role }) => some.includes(role));
  const titles = some.map((role) => {
    const sum = all.filter((bar) => bar.role === role).reduce((sum, bar) => sum + bar.prompts, 0);
    return { role, text: `${ROLES[role]}: ${counted(sum, "prompt")}` };
  });
  const title = ({ role, layer, prompts }: Bar) => `${ROLES[role]}, layer ${layer}\n${counted(prompts, "prompt")}`;
  return {
    height: Math.min(380, 96 + 90 * some.length), marginLeft: MARGIN_LEFT, marginRight: MARGIN_RIGHT, marginTop: 18, marginBottom: 38,
    x: { domain: [-0.5, layers - 0.5] },
    y: { domain: [0, most] },
    fy: { domain: some, padding: 0.32, axis: null },
    marks: [
      axisX({ ticks: every(step, layers), tickFormat: String, label: layerAxis, labelAnchor: "center", labelArrow: "none" }),
      axisY({ ticks: countTicks(most), tickFormat: "d", label: "prompts", labelArrow: "none", labelAnchor: "center" }),
      rectY(shown, {
        x1: (bar: Bar) => bar.layer - 0.42, x2: (bar: Bar) => bar.layer + 0.42, y: "prompts", fy: "role", fill: barColor(component),
      }),
      ruleY(some, { y: 0, fy: (role: number) => role, stroke: "currentColor" }),
      text(titles, { text: "text", fy: "role", frameAnchor: "top-left", dy: -13, textAnchor: "start" }),
      tip(shown, pointerX({ x: "layer", y: "prompts", fy: "role", title })),
    ],
  };
}
