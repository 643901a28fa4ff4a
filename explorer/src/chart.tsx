// The charts: drawn by Observable Plot in the page's colours, as wide as there is room.
//
// Plot puts a style element into every picture, which a strict Content-Security-Policy refuses. It is taken out before the
// picture stands on the page; its few rules are in chart.css.

import "./chart.css";
import { plot, type PlotOptions } from "@observablehq/plot";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { withWords } from "./chart-file.ts";
import type { CsvRow } from "./csv.ts";
import type { Picture } from "./download.ts";
import { Downloads } from "./downloads.tsx";
import { number } from "./numbers.ts";

interface ChartProps {
  title: string;
  /** What is to be seen, for those who do not see it. */
  description: string;
  caption: ComponentChildren;
  /** Small print of the downloaded picture. */
  note: string[];
  /** Of downloaded files, without an ending. */
  name: string;
  /** Its numbers; the first row names the columns. */
  table: CsvRow[];
  /** The chart for a width in pixels; another function is another chart. */
  draw: (width: number) => PlotOptions;
}

/** How wide a downloaded picture is, whatever the screen. */
const FILE_WIDTH = 560;
const LEAST_WIDTH = 240;

export function Chart({ title, description, caption, note, name, table, draw }: ChartProps) {
  const [place, width] = useWidth();
  useLayoutEffect(() => {
    if (width > 0) place.current?.replaceChildren(picture(draw, width, description));
  }, [place, draw, width, description]);
  const forFile = (): Picture => ({ svg: withWords(picture(draw, FILE_WIDTH, description), title, note), title, description });
  return (
    <figure class="chart" aria-label={title}>
      <p class="chart-title">{title}</p>
      <div ref={place} class="chart-picture" />
      <figcaption>{caption}</figcaption>
      <Downloads what={title} name={name} picture={forFile} table={() => table} />
      <Numbers title={title} table={table} />
    </figure>
  );
}

function picture(draw: ChartProps["draw"], width: number, description: string): SVGSVGElement {
  const svg = plot({ className: "plot", ariaLabel: description, width, ...draw(width) }) as SVGSVGElement;
  svg.querySelector("style")?.remove();
  svg.setAttribute("role", "img");
  // Plot labels its groups of shapes, which have no role that could bear a label.
  svg.querySelectorAll("g[aria-label]").forEach((group) => group.removeAttribute("aria-label"));
  return svg;
}

function useWidth() {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const measure = () => setWidth(Math.max(LEAST_WIDTH, Math.floor(element.clientWidth)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [place, width] as const;
}

/** The numbers behind a chart, made when they are asked for. */
function Numbers({ title, table }: { title: string; table: CsvRow[] }) {
  const [isOpen, setOpen] = useState(false);
  const [head = [], ...rows] = table;
  return (
    <details class="chart-numbers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Numbers<span class="for-readers">: {title}</span></summary>
      {isOpen && (
        <div class="scroll" tabIndex={0} role="region" aria-label={`Numbers: ${title}`}>
          <table>
            <thead>
              <tr>{head.map((name, at) => <th key={at} scope="col" class={alignment(rows[0]?.[at])}>{name}</th>)}</tr>
            </thead>
            <tbody>
              {rows.map((row, at) => (
                <tr key={at}>{row.map((value, at) => <td key={at} class={alignment(value)}>{shown(value)}</td>)}</tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function alignment(value: CsvRow[number] | undefined): string | undefined {
  return typeof value === "number" ? "number" : undefined;
}

function shown(value: CsvRow[number]): string {
  if (value === null) return "–";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? String(value) : number(value);
}
