// The chunks in which prompts' numbers come. All is little-endian:
//
//   bytes 0..4   length of the header in bytes, u32
//   then         the header, JSON in UTF-8 (below), then zeros up to a multiple of 4
//   then         the arrays, each at `offset` bytes from here, a multiple of 4
//
// A report file holds chunks compressed with gzip and written in base64; the server sends them as they are.

import type { Component, Grid, Metric, PromptDetail } from "./data.ts";

interface Header {
  prompts: (Omit<PromptDetail, "grids"> & { grids: GridHeader[] })[];
}

interface GridHeader {
  component: Component;
  metric: Metric;
  n_layers: number;
  n_samples: number;
  clean: number;
  corrupted: number;
  corrupted_samples: number[];
  /** Where the f32 arrays are, [tokens][layers]. */
  patched: number;
  indirect_effect: number;
  percent_improvement: number;
  noise_error: number;
  samples: Samples | null;
}

/** The samples, [tokens][layers][samples]: f32, or u16 that stand for low + value / 65535 * (high - low). */
type Samples = { offset: number; as: "f32" } | { offset: number; as: "u16"; low: number; high: number };

/** All prompts of a chunk. */
export function decodeChunk(bytes: ArrayBuffer): PromptDetail[] {
  const headerLength = new DataView(bytes).getUint32(0, true);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes, 4, headerLength));
  const header = JSON.parse(text) as Header;
  const start = Math.ceil((4 + headerLength) / 4) * 4;
  return header.prompts.map((prompt) => ({
    ...prompt,
    grids: prompt.grids.map((grid) => decodeGrid(grid, prompt.tokens.length, bytes, start)),
  }));
}

function decodeGrid(grid: GridHeader, nTokens: number, bytes: ArrayBuffer, start: number): Grid {
  const sites = nTokens * grid.n_layers;
  const floats = (offset: number) => new Float32Array(bytes, start + offset, sites);
  return {
    component: grid.component,
    metric: grid.metric,
    n_layers: grid.n_layers,
    n_samples: grid.n_samples,
    clean: grid.clean,
    corrupted: grid.corrupted,
    corrupted_samples: Float32Array.from(grid.corrupted_samples),
    patched: floats(grid.patched),
    indirect_effect: floats(grid.indirect_effect),
    percent_improvement: floats(grid.percent_improvement),
    noise_error: floats(grid.noise_error),
    patched_samples: grid.samples && decodeSamples(grid.samples, sites * grid.n_samples, bytes, start),
  };
}

function decodeSamples(samples: Samples, length: number, bytes: ArrayBuffer, start: number): Float32Array {
  if (samples.as === "f32") return new Float32Array(bytes, start + samples.offset, length);
  const { low, high } = samples;
  const steps = new Uint16Array(bytes, start + samples.offset, length);
  return Float32Array.from(steps, (step) => low + (step / 65535) * (high - low));
}
