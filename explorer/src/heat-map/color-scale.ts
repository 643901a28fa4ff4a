// Which colour a value of a map gets; as in the printed figures (crates/report/src/color_scale.rs).

import { colorAt, css, type Ramp } from "./ramp.ts";
import { roundTicks, type Tick } from "./ticks.ts";

/** Maps with equal scales can be compared by eye. */
export interface ColorScale {
  ramp: Ramp;
  /** The value of the palest colour (of the bluest where colours diverge). */
  pale: number;
  /** The value of the darkest colour (of the reddest where colours diverge); it may be the smaller one. */
  dark: number;
  /** Values in the wrong direction are drawn as 0, which is the palest colour. */
  cutoff: boolean;
  /** Colours darken with the square root, so that small counts are seen beside large ones. */
  root: boolean;
}

/** From this share of the largest effect in the expected direction on, average effects in the wrong one get a colour. */
const BOTH_WAYS = 0.5;
/** Differences below this share of the scale's larger end are rounding, not effects. */
const ROUNDING = 1e-6;

/** From the lowest value or 0, whichever is lower, to the highest; the other way round where effects are negative. */
export function sequentialScale(ramp: Ramp, expectedSign: number, values: ArrayLike<number>): ColorScale {
  const { low, high } = range(values);
  const [pale, dark] = expectedSign > 0 ? [low, high] : [high, low];
  return { ramp, pale, dark, cutoff: false, root: false };
}

/** From 0 to the largest effect in the expected direction; those in the wrong direction are drawn as 0. */
export function cutoffScale(ramp: Ramp, expectedSign: number, values: ArrayLike<number>): ColorScale {
  return { ...sequentialScale(ramp, expectedSign, values), pale: 0, cutoff: true };
}

/** Blue below 0, red above, both as far as the value farthest from 0. */
export function divergingScale(values: ArrayLike<number>): ColorScale {
  const { low, high } = range(values);
  const limit = Math.max(high, -low);
  return { ramp: "diverging", pale: -limit, dark: limit, cutoff: false, root: false };
}

/** For counts from 0 to the largest. */
export function countScale(ramp: Ramp, values: ArrayLike<number>): ColorScale {
  return { ramp, pale: 0, dark: range(values).high, cutoff: false, root: true };
}

/** From the run without a patch to where the patch changed most; values beyond the run without one are as pale. */
export function valueScale(ramp: Ramp, expectedSign: number, unpatched: number, values: ArrayLike<number>): ColorScale {
  const { low, high } = range(values, unpatched);
  return { ramp, pale: unpatched, dark: expectedSign > 0 ? high : low, cutoff: false, root: false };
}

/** The colours that suit effects: without a cutoff, those in the wrong direction must be seen where they are clear. */
export function effectScale(
  ramp: Ramp, expectedSign: number, cutoff: boolean, values: ArrayLike<number>, bothWays = BOTH_WAYS,
): ColorScale {
  if (cutoff) return cutoffScale(ramp, expectedSign, values);
  return goesBothWays(expectedSign, values, bothWays) ? divergingScale(values) : sequentialScale(ramp, expectedSign, values);
}

/** Whether effects in the wrong direction are worth a colour of their own. */
function goesBothWays(expectedSign: number, values: ArrayLike<number>, bothWays = BOTH_WAYS): boolean {
  const { low, high } = range(values);
  return expectedSign > 0 ? -low > bothWays * high : high > bothWays * -low;
}

/** The colour of a value; one beyond the ends gets the end's. */
export function colorOf(scale: ColorScale, value: number): string {
  return css(codeOf(scale, value));
}

/** The same as 0xrrggbb. */
export function codeOf(scale: ColorScale, value: number): number {
  if (isFlat(scale)) return colorAt(scale.ramp, scale.ramp === "diverging" ? 0.5 : 0);
  const position = Math.min(Math.max((value - scale.pale) / (scale.dark - scale.pale), 0), 1);
  return colorAt(scale.ramp, scale.root ? Math.sqrt(position) : position);
}

/** At most `most` marks of the colour bar. */
export function scaleTicks(scale: ColorScale, most: number, factor = 1): Tick[] {
  const { low, high } = ends(scale);
  const ticks = isFlat(scale) ? roundTicks(low * factor, low * factor, 1) : roundTicks(low * factor, high * factor, most);
  return ticks.map(({ value, label }) => ({ value: value / factor, label: value === 0 && scale.cutoff ? cutLabel(scale) : label }));
}

function cutLabel(scale: ColorScale): string {
  return scale.dark < 0 ? "≥0" : "≤0";
}

export function ends(scale: ColorScale): { low: number; high: number } {
  return { low: Math.min(scale.pale, scale.dark), high: Math.max(scale.pale, scale.dark) };
}

/** Whether the ends coincide, so that no value is darker than another. */
export function isFlat(scale: ColorScale): boolean {
  const { low, high } = ends(scale);
  return !(high - low > ROUNDING * Math.max(Math.abs(low), Math.abs(high)));
}

/** The lowest and the highest of some values and of one more; NaN is left out. */
export function range(values: ArrayLike<number>, start = 0): { low: number; high: number } {
  let [low, high] = [start, start];
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? Number.NaN;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}
