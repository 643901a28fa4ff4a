// A chart for a file of its own: with its title above and its small print below.

import { SMALL_SIZE, TITLE_SIZE } from "./heat-map/layout.ts";
import { wrap } from "./heat-map/text-width.ts";

const SVG = "http://www.w3.org/2000/svg";
const TITLE_LINE = 17;
const SMALL_LINE = 14;
const GAP = 6;

/** The picture itself, made higher. */
export function withWords(svg: SVGSVGElement, title: string, note: string[]): SVGSVGElement {
  const { width, height } = svg.viewBox.baseVal;
  const titleLines = wrap(title, width, TITLE_SIZE, 600);
  const noteLines = note.flatMap((paragraph) => wrap(paragraph, width, SMALL_SIZE));
  const top = titleLines.length * TITLE_LINE + GAP;
  const bottom = noteLines.length * SMALL_LINE + 2 * GAP;
  svg.setAttribute("viewBox", `0 ${-top} ${width} ${top + height + bottom}`);
  titleLines.forEach((text, at) => svg.append(line(text, (at + 1) * TITLE_LINE - 4 - top, TITLE_SIZE, 600)));
  noteLines.forEach((text, at) => svg.append(line(text, height + GAP + (at + 1) * SMALL_LINE, SMALL_SIZE, 400)));
  return svg;
}

function line(text: string, y: number, size: number, weight: number): SVGTextElement {
  const made = document.createElementNS(SVG, "text");
  made.textContent = text;
  const place = { x: 0, y, "font-size": `${size}px`, "font-weight": weight, "text-anchor": "start" };
  for (const [name, value] of Object.entries(place)) made.setAttribute(name, String(value));
  return made;
}
