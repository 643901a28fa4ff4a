// Writes prompts as a chunk, the form that src/chunk.ts reads.

import type { PromptDetail } from "../src/data.ts";

export function encodeChunk(prompts: PromptDetail[]): Uint8Array {
  const arrays: Float32Array[] = [];
  let length = 0;
  const place = (array: Float32Array): number => {
    arrays.push(array);
    length += array.byteLength;
    return length - array.byteLength;
  };
  const header = JSON.stringify({
    prompts: prompts.map((prompt) => ({
      ...prompt,
      grids: prompt.grids.map((grid) => ({
        ...grid,
        corrupted_samples: [...grid.corrupted_samples],
        patched: place(grid.patched),
        indirect_effect: place(grid.indirect_effect),
        percent_improvement: place(grid.percent_improvement),
        noise_error: place(grid.noise_error),
        samples: grid.patched_samples && { as: "f32", offset: place(grid.patched_samples) },
        patched_samples: undefined,
      })),
    })),
  });
  const text = new TextEncoder().encode(header);
  const start = Math.ceil((4 + text.length) / 4) * 4;
  const bytes = new Uint8Array(start + length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = start;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  }
  return bytes;
}
