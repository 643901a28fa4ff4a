// How numbers are written. Files for other programs (CSV) take the numbers as they are.

import type { Metric } from "./data.ts";

/** About three digits, or a power of ten where it is small. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.001 || size >= 1e5) return minus(value.toExponential(1).replace("e+", "e"));
  return minus(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1.0005 ? 2 : size >= 0.01 ? 3 : 4));
}

/** A number with its sign, for effects. */
export function signed(value: number): string {
  return value > 0 ? `+${number(value)}` : number(value);
}

/** A fraction as a per cent. */
export function percent(fraction: number): string {
  if (!Number.isFinite(fraction)) return "–";
  const value = 100 * fraction;
  return `${minus(value.toFixed(Math.abs(value) < 9.95 ? 1 : 0)).replace(/^−0\.0$/, "0.0")} %`;
}

export function signedPercent(fraction: number): string {
  const text = percent(fraction);
  return fraction > 0 && !text.startsWith("0.0 ") ? `+${text}` : text;
}

/** A whole number, with its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** "1 prompt", "1,200 prompts" */
export function counted(value: number, one: string, several = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : several}`;
}

/** The metric of a run. */
export function metricValue(metric: Metric, value: number): string {
  return metric === "rank" && Number.isInteger(value) ? count(value) : number(value);
}

function minus(text: string): string {
  return text.replaceAll("-", (_, at: number) => (at === 0 ? "−" : "-"));
}
