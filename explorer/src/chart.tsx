// The charts: drawn by Observable Plot, in the page's colours and type, as wide as there is room.
//
// Plot puts a style element into every picture, which a strict Content-Security-Policy refuses. It is taken out before the
// picture stands on the page; its few rules are in chart.css.

import { plot, type PlotOptions } from "@observablehq/plot";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { CsvRow } from "./csv.ts";
import { Downloads } from "./downloads.tsx";
import { number } from "./numbers.ts";

interface ChartProps {
  title: string;
  /** What is to be seen, for those who do not see it. */
  description: string;
  caption: ComponentChildren;
  /** The name of its files, without an ending. */
  name: string;
  /** Its numbers; the first row names the columns. */
  table: CsvRow[];
  /** The chart for a width in pixels; it is drawn again when this is another function. */
  draw: (width: number) => PlotOptions;
}

/** The width at which a chart is drawn until its place is known. */
const FIRST_WIDTH = 640;
const LEAST_WIDTH = 240;

export function Chart({ title, description, caption, name, table, draw }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  useLayoutEffect(() => {
    place.current?.replaceChildren(picture(draw(width), width, description));
  }, [draw, width, description]);
  const drawn = () => {
    const svg = place.current?.querySelector("svg")?.cloneNode(true) as SVGSVGElement | undefined;
    svg?.querySelectorAll("[aria-label=tip]").forEach((tip) => tip.remove());
    return svg ? { svg, title, description } : null;
  };
  return (
    <figure class="chart">
      <h4>{title}</h4>
      <div ref={place} class="chart-picture" />
      <figcaption>{caption}</figcaption>
      <div class="chart-tools">
        <Downloads what={title} name={name} picture={drawn} table={() => table} />
        <Numbers title={title} table={table} />
      </div>
    </figure>
  );
}

function picture(options: PlotOptions, width: number, description: string): Element {
  const svg = plot({ className: "plot", ariaLabel: description, width, ...options });
  svg.querySelector("style")?.remove();
  svg.setAttribute("role", "img");
  return svg;
}

function useWidth(place: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(FIRST_WIDTH);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const measure = () => setWidth(Math.max(LEAST_WIDTH, Math.floor(element.clientWidth)));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [place]);
  return width;
}

/** The numbers behind a chart, made when they are asked for. */
function Numbers({ title, table }: { title: string; table: CsvRow[] }) {
  const [open, setOpen] = useState(false);
  const [head = [], ...rows] = table;
  return (
    <details class="numbers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Numbers<span class="for-readers">: {title}</span></summary>
      {open && (
        <div class="scrolls" tabIndex={0} role="region" aria-label={`Numbers: ${title}`}>
          <table>
            <thead><tr>{head.map((name, at) => <th key={at} scope="col">{name}</th>)}</tr></thead>
            <tbody>
              {rows.map((row, at) => (
                <tr key={at}>{row.map((value, at) => <td key={at} class={typeof value === "number" ? "number" : undefined}>{shown(value)}</td>)}</tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function shown(value: CsvRow[number]): string {
  if (value === null) return "–";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? String(value) : number(value);
}
