import { areaY, axisX, axisY, gridY, lineY, pointer, ruleY, tip, type Markish, type PlotOptions } from "@observablehq/plot";
import { useCallback, useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import type { ComponentInfo, Folder, MetricInfo, Summary } from "../data.ts";
import { fileName } from "../download.ts";
import { SMALL_SIZE } from "../heat-map/layout.ts";
import { textWidth } from "../heat-map/text-width.ts";
import { columnStep } from "../heat-map/ticks.ts";
import { count, counted, number } from "../numbers.ts";
import { layerAxis } from "../words.ts";
import { LOOKS, ROLES, SHORT_ROLES } from "./roles.ts";
import { points, type Point } from "./series.ts";
import { spread } from "./spread.ts";
import { averageAxis, doing, hasIntervals, intervals, smallPrint, type AverageOf } from "./words.ts";

interface LinesProps {
  folder: Folder;
  component: ComponentInfo;
  metric: MetricInfo;
  summary: Summary;
  of: AverageOf;
}

/** The averages over the layers, a line for each role. */
export function Lines({ folder, component, metric, summary, of }: LinesProps) {
  const table = summary.components[component.name];
  const all = useMemo(() => (table ? points(table, of) : []), [table, of]);
  const axis = averageAxis(of, metric);
  const layers = layerAxis(component.name, folder.direction, component.window);
  const draw = useCallback((width: number) => chart(all, width, layers, axis), [all, layers, axis]);
  if (!table) return null;
  const what = of === "effect" ? "Average indirect effect" : "Average percent improvement";
  const bands = of === "effect" && hasIntervals(summary) ? `Bands: ${intervals(summary)}` : "Without intervals";
  const tokens = ROLES.map((role, at) => `${role} ${count(table.counts[at] ?? 0)}`).join(", ");
  return (
    <Chart
      title={`${what} by layer, ${doing(folder, component)}`}
      description={`Lines of the ${axis} by layer. ${strongest(all, of)}`}
      caption={`${bands}. n = ${counted(summary.prompts, "prompt")}; tokens: ${tokens}.`}
      note={[bands, ...smallPrint(folder, summary)]}
      name={fileName(folder.name, component.name, metric.name, of, "lines")}
      table={[
        ["role", "layer", axis, "95 % interval from", "to", "tokens"],
        ...all.map(({ role, layer, value, low, high }) => {
          const ends = of === "effect" ? [low, high] : [null, null];
          return [ROLES[role] ?? "", layer, value, ...ends, table.counts[role] ?? 0];
        }),
      ]}
      draw={draw}
    />
  );
}

function strongest(all: Point[], of: AverageOf): string {
  const unit = of === "improvement" ? " %" : "";
  return ROLES.flatMap((name, role) => {
    const line = all.filter((point) => point.role === role);
    if (line.length === 0) return [];
    const peak = line.reduce((best, point) => (Math.abs(point.value) > Math.abs(best.value) ? point : best));
    return [`${name}: farthest from 0 at layer ${peak.layer}, ${number(peak.value)}${unit}.`];
  }).join(" ");
}

function chart(all: Point[], width: number, layerAxis: string, axis: string): PlotOptions {
  const layers = 1 + Math.max(0, ...all.map((point) => point.layer));
  const lines = LOOKS.map((look, role) => ({ look, points: all.filter((point) => point.role === role) }));
  const marginRight = LABEL_GAP + SAMPLE + 6 + Math.max(...SHORT_ROLES.map((role) => textWidth(role, SMALL_SIZE)));
  const step = columnStep((textWidth(String(layers), SMALL_SIZE) + 8) / ((width - MARGIN_LEFT - marginRight) / layers));
  return {
    height: 260, marginLeft: MARGIN_LEFT, marginRight, marginTop: 26, marginBottom: 38,
    x: { domain: [0, Math.max(layers - 1, 1)] },
    y: { nice: true },
    marks: [
      gridY({ stroke: "var(--line)", strokeOpacity: 1 }),
      axisX({ ticks: every(step, layers), tickFormat: String, label: layerAxis, labelAnchor: "center", labelArrow: "none" }),
      axisY({ label: axis, labelArrow: "none" }),
      ruleY([0], { stroke: "currentColor" }),
      ...lines.map(({ look, points }) => areaY(points, { x: "layer", y1: "low", y2: "high", fill: look.color, fillOpacity: 0.16 })),
      ...lines.map(({ look, points }) => lineY(points, {
        x: "layer", y: "value", stroke: look.color, strokeWidth: 2, strokeDasharray: look.dashes, marker: layers === 1 ? "dot" : null,
      })),
      endLabels(all, layers - 1),
      tip(all, pointer({ x: "layer", y: "value", title: read })),
    ],
  };
}

const MARGIN_LEFT = 52;
const LABEL_GAP = 6;
/** The piece of line before a label. */
const SAMPLE = 22;

/** The layers whose numbers are written. */
export function every(step: number, layers: number): number[] {
  return Array.from({ length: Math.ceil(layers / step) }, (_, at) => at * step);
}

function read({ role, layer, value, low, high }: Point): string {
  const interval = low === value && high === value ? "" : `\n95 % from ${number(low)} to ${number(high)}`;
  return `${ROLES[role]}, layer ${layer}\n${number(value)}${interval}`;
}

/** The roles' names at the right, each with a piece of its line, moved apart where lines end close together. */
function endLabels(all: Point[], lastLayer: number): Markish {
  return (_, scales, __, dimensions) => {
    const y = scales.y;
    const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
    if (!y) return group;
    const ends = all.filter((point) => point.layer === lastLayer);
    const places = spread(ends.map((point) => y(point.value)), 14, dimensions.marginTop, dimensions.height - dimensions.marginBottom);
    const x = dimensions.width - dimensions.marginRight + LABEL_GAP;
    ends.forEach(({ role, value }, at) => {
      const [place, look] = [places[at] ?? 0, LOOKS[role]];
      group.append(
        shape("path", { d: `M${x - LABEL_GAP + 1},${y(value)}L${x},${place}`, stroke: "var(--edge)", "stroke-width": 0.75, fill: "none" }),
        shape("line", {
          x1: x, x2: x + SAMPLE, y1: place, y2: place, stroke: look?.color ?? "", "stroke-width": 2, "stroke-dasharray": look?.dashes ?? "none",
        }),
        shape("text", { x: x + SAMPLE + 4, y: place, dy: "0.32em", "text-anchor": "start" }, SHORT_ROLES[role]),
      );
    });
    return group;
  };
}

function shape(name: "path" | "line" | "text", attributes: Record<string, string | number>, text = ""): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}
