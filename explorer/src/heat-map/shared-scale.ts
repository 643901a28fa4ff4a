// One colour scale for all prompts of a folder, from what its table knows.

import type { Component, Folder, Metric } from "../data.ts";
import type { Measure } from "../state.ts";
import { metricInfo } from "../words.ts";
import type { ColorScale } from "./color-scale.ts";

/** Components that bring the whole total effect back in the last layer of the last token. */
const WHOLE: Component[] = ["residual", "resid_mid", "mlp_severed", "attn_severed"];

/**
 * Probabilities from 0 to 1, improvements from 0 to 100 %, effects on the probability from 0 to the largest
 * of the prompts' deciding sites (and, of whole states, of their total effects): other sites may lie beyond the end.
 * Null for effects on another metric, which the table does not have.
 */
export function sharedScale(folder: Folder, component: Component, metric: Metric, measure: Measure): ColorScale | null {
  const sign = metricInfo(folder, metric).expected_sign;
  const scale = (limit: number): ColorScale => ({ ramp: component, pale: 0, dark: limit, cutoff: true, root: false });
  if (measure === "improvement") return scale(sign);
  if (metric !== "probability") return null;
  if (measure === "value") {
    const [pale, dark] = sign > 0 ? [0, 1] : [1, 0];
    return { ramp: component, pale, dark, cutoff: false, root: false };
  }
  const at = folder.components.findIndex((info) => info.name === component);
  const strengths = folder.prompts.map((row) => {
    const deciding = sign * (row.deciding[at]?.indirect_effect ?? 0);
    return WHOLE.includes(component) ? Math.max(deciding, row.total_effect) : deciding;
  });
  return scale(sign * strengths.reduce((most, strength) => Math.max(most, strength), 0));
}
