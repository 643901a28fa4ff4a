// Where the page's numbers come from: a report file holds them itself, a server is asked for them.

import { decodeChunk } from "./chunk.ts";
import type { PromptDetail, Report } from "./data.ts";

export interface Source {
  /** Whether there is a server, and with it the live view. */
  live: boolean;
  report(): Promise<Report>;
  /** One prompt's numbers. */
  prompt(folder: number, chunk: number, id: number): Promise<PromptDetail>;
}

/** Chunks kept decoded; moving between neighbours in the table should not fetch again. */
const KEPT_CHUNKS = 24;

export function findSource(): Source {
  const embedded = document.getElementById("report");
  return embedded
    ? source(false, async () => JSON.parse(embedded.textContent ?? "") as Report, embeddedChunk)
    : source(true, () => json<Report>("/api/report"), servedChunk);
}

function source(
  live: boolean,
  report: () => Promise<Report>,
  bytes: (folder: number, chunk: number) => Promise<ArrayBuffer>,
): Source {
  const kept = new Map<string, Promise<PromptDetail[]>>();
  const chunk = (folder: number, chunk: number): Promise<PromptDetail[]> => {
    const key = `${folder}-${chunk}`;
    const found = kept.get(key) ?? bytes(folder, chunk).then(decodeChunk);
    kept.delete(key);
    kept.set(key, found);
    found.catch(() => kept.delete(key));
    for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT_CHUNKS))) kept.delete(oldest);
    return found;
  };
  const prompt = async (folder: number, number: number, id: number): Promise<PromptDetail> => {
    const found = (await chunk(folder, number)).find((prompt) => prompt.id === id);
    if (!found) throw new Error(`prompt ${id} is not where the table says`);
    return found;
  };
  return { live, report, prompt };
}

async function embeddedChunk(folder: number, chunk: number): Promise<ArrayBuffer> {
  const text = document.getElementById(`chunk-${folder}-${chunk}`)?.textContent;
  if (!text) throw new Error("this file was cut off: its numbers are missing");
  const packed = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
}

async function servedChunk(folder: number, chunk: number): Promise<ArrayBuffer> {
  return (await ask(`/api/folders/${folder}/chunks/${chunk}`)).arrayBuffer();
}

export async function json<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await ask(path, init)).json()) as T;
}

/** A request whose failure is an error with the server's own words. */
export async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, { credentials: "same-origin", ...init }).catch((error: unknown) => {
    throw init?.signal?.aborted ? error : new Error("the server does not answer");
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => null)) as { error?: string } | null;
  throw new Error(problem?.error ?? `the server answered ${response.status}`);
}
