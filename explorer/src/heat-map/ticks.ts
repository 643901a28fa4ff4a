// Round numbers that mark a scale (as crates/report/src/scale.rs has them).

import { number } from "../numbers.ts";

export interface Tick {
  value: number;
  label: string;
}

/** At most `most` round numbers from low to high, or the ends where fewer than two fit. */
export function roundTicks(low: number, high: number, most: number): Tick[] {
  const end = (value: number): Tick => ({ value, label: number(value) });
  if (!(high > low)) return [end(low)];
  const ticks = multiples(low, high, Math.max(most, 2));
  return ticks.length < 2 ? [end(low), end(high)] : ticks;
}

/** Multiples of the smallest 1, 2 or 5 times a power of ten that gives at most `most` of them. */
function multiples(low: number, high: number, most: number): Tick[] {
  const start = Math.floor(Math.log10((high - low) / most));
  for (let power = start; power < start + 3; power++) {
    for (const digit of [1, 2, 5]) {
      const step = digit * 10 ** power;
      // A thousandth of a step forgives an end that float32 put just inside a round number.
      const first = Math.ceil(low / step - 1e-3);
      const last = Math.floor(high / step + 1e-3);
      if (last - first >= most) continue;
      return Array.from({ length: last - first + 1 }, (_, at) => {
        const value = (first + at) * step;
        return { value: Math.min(Math.max(value, low), high), label: label(value, power, Math.max(Math.abs(low), Math.abs(high))) };
      });
    }
  }
  return [];
}

/** A multiple of 10^power, with as many digits as that needs. */
function label(value: number, power: number, largest: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (largest >= 0.01 && largest < 1e5) return sign + size.toFixed(Math.max(-power, 0));
  return sign + size.toExponential(Math.max(Math.floor(Math.log10(size * 1.000001)) - power, 0)).replace("e+", "e");
}

/** Which columns are labelled where labels need `room` columns each: every one, every second, fifth, tenth … */
export function columnStep(room: number): number {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) {
      if (digit * power >= room) return digit * power;
    }
  }
}
