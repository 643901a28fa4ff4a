// How wide a text is drawn.

import { cut } from "../token-text.tsx";

/** The fonts of every picture; a file that is opened elsewhere falls back to what is there. */
const FONTS = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/** Of the size of the letters; where nothing can be measured. */
const USUAL_WIDTH = 0.6;

let context: CanvasRenderingContext2D | null | undefined;

export function textWidth(text: string, size: number, weight = 400): number {
  if (context === undefined) {
    context = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");
  }
  if (!context) return [...text].length * size * USUAL_WIDTH;
  context.font = `${weight} ${size}px ${FONTS}`;
  return context.measureText(text).width;
}

/** The text, or as much of its beginning as is at most so wide, and an ellipsis. */
export function fit(text: string, most: number, size: number): string {
  const short = cut(text, 200);
  if (textWidth(short, size) <= most) return short;
  let [fits, tooLong] = [1, [...short].length + 1];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (textWidth(cut(text, middle), size) <= most) fits = middle;
    else tooLong = middle;
  }
  return cut(text, fits);
}

/** The text in lines of at most such a width, broken at spaces. */
export function wrap(text: string, most: number, size: number, weight = 400): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`, size, weight) <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(fit(word, most, size));
  }
  return lines;
}
