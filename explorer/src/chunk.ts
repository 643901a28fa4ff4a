// The chunks in which prompts' numbers come. All is little-endian:
//
//   bytes 0..4   length of the header in bytes, u32
//   then         the header, JSON in UTF-8 (below)
//   then         `floats` numbers, f32
//   then         `steps` numbers, u16
//
// Numbers are in planes: the first bytes of all of them, then the second bytes, and so on, since bytes of one kind
// compress better. Where a header says where an array is, it counts numbers of that kind, not bytes.
//
// A report file holds chunks compressed with gzip and written in base64; the server sends them as they are.

import type { Component, Grid, Metric, PromptDetail } from "./data.ts";

interface Header {
  floats: number;
  steps: number;
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
  /** Where the arrays are among the floats, [tokens][layers]. */
  indirect_effect: number;
  percent_improvement: number;
  /** Null where it is not known. */
  noise_error: number | null;
  /** An array too, or the number that the indirect effect is added to. */
  patched: { floats: number } | { base: number };
  samples: Samples | null;
}

/**
 * The samples, [tokens][layers][samples]: floats, or steps from low (0) to high (most), with one difference between
 * neighbours or one ratio.
 */
type Samples =
  | { floats: number }
  | { steps: number; spacing: "equal" | "ratio"; low: number; high: number; most: number };

interface Arrays {
  floats: Float32Array;
  steps: Uint16Array;
}

/** All prompts of a chunk. */
export function decodeChunk(bytes: ArrayBuffer): PromptDetail[] {
  const headerLength = new DataView(bytes).getUint32(0, true);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes, 4, headerLength));
  const header = JSON.parse(text) as Header;
  const start = 4 + headerLength;
  const arrays: Arrays = {
    floats: new Float32Array(joined(new Uint8Array(bytes, start, 4 * header.floats), 4)),
    steps: new Uint16Array(joined(new Uint8Array(bytes, start + 4 * header.floats, 2 * header.steps), 2)),
  };
  return header.prompts.map((prompt) => ({
    ...prompt,
    grids: prompt.grids.map((grid) => decodeGrid(grid, prompt.tokens.length, arrays)),
  }));
}

/** Numbers of so many bytes each, from their planes. */
function joined(planes: Uint8Array, width: number): ArrayBuffer {
  const length = planes.length / width;
  const numbers = new Uint8Array(planes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let number = 0; number < length; number++) {
      numbers[number * width + plane] = planes[plane * length + number]!;
    }
  }
  return numbers.buffer;
}

function decodeGrid(grid: GridHeader, nTokens: number, arrays: Arrays): Grid {
  const sites = nTokens * grid.n_layers;
  const floats = (first: number) => arrays.floats.subarray(first, first + sites);
  const { patched } = grid;
  const effects = floats(grid.indirect_effect);
  return {
    component: grid.component,
    metric: grid.metric,
    n_layers: grid.n_layers,
    n_samples: grid.n_samples,
    clean: grid.clean,
    corrupted: grid.corrupted,
    corrupted_samples: Float32Array.from(grid.corrupted_samples),
    patched: "base" in patched ? effects.map((effect) => patched.base + effect) : floats(patched.floats),
    indirect_effect: effects,
    percent_improvement: floats(grid.percent_improvement),
    noise_error: grid.noise_error === null ? new Float32Array(sites).fill(NaN) : floats(grid.noise_error),
    patched_samples: grid.samples && decodeSamples(grid.samples, sites * grid.n_samples, arrays),
  };
}

function decodeSamples(samples: Samples, length: number, arrays: Arrays): Float32Array {
  if ("floats" in samples) return arrays.floats.subarray(samples.floats, samples.floats + length);
  const { spacing, low, high, most } = samples;
  const steps = arrays.steps.subarray(samples.steps, samples.steps + length);
  return Float32Array.from(steps, (step) =>
    spacing === "ratio" ? low * (high / low) ** (step / most) : low + (step / most) * (high - low),
  );
}
