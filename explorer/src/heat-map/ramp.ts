// Colours: a ramp for each component, pale to dark, and one that diverges from white. They are those of the printed
// figures (crates/report/src/ramp.rs): the nine classes of ColorBrewer's Purples, Greens and Reds, interpolated linearly,
// and the eleven of its RdBu. Colour specifications by Cynthia Brewer (https://colorbrewer2.org).

import type { Component } from "../data.ts";

const PURPLES = [0xfcfbfd, 0xefedf5, 0xdadaeb, 0xbcbddc, 0x9e9ac8, 0x807dba, 0x6a51a3, 0x54278f, 0x3f007d];
const GREENS = [0xf7fcf5, 0xe5f5e0, 0xc7e9c0, 0xa1d99b, 0x74c476, 0x41ab5d, 0x238b45, 0x006d2c, 0x00441b];
const REDS = [0xfff5f0, 0xfee0d2, 0xfcbba1, 0xfc9272, 0xfb6a4a, 0xef3b2c, 0xcb181d, 0xa50f15, 0x67000d];
const BLUE_TO_RED = [
  0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b, 0x67001f,
];

/** A component's ramp, or the diverging one. */
export type Ramp = Component | "diverging";

/** The classes of a ramp, from the first colour to the last; colours are written as 0xrrggbb. */
export function classes(ramp: Ramp): readonly number[] {
  switch (ramp) {
    case "residual": case "resid_pre": case "resid_mid": return PURPLES;
    case "mlp": case "mlp_severed": return GREENS;
    case "attn": case "attn_severed": return REDS;
    case "diverging": return BLUE_TO_RED;
  }
}

/** The colour at a position from 0 to 1 between the first and the last class. */
export function colorAt(ramp: Ramp, position: number): number {
  const list = classes(ramp);
  const place = Math.min(Math.max(position, 0), 1) * (list.length - 1);
  const below = Math.min(Math.floor(place), list.length - 2);
  const from = list[below] ?? 0;
  const to = list[below + 1] ?? 0;
  const share = place - below;
  return (mix(from, to, 16, share) << 16) | (mix(from, to, 8, share) << 8) | mix(from, to, 0, share);
}

/** One channel of the colour between two. */
function mix(from: number, to: number, shift: number, share: number): number {
  const start = (from >> shift) & 255;
  return Math.round(start + share * (((to >> shift) & 255) - start));
}

export function css(color: number): string {
  return `#${(0x1000000 + color).toString(16).slice(1)}`;
}
