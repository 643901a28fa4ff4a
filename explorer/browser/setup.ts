// What the tests of a file share, and what is left behind by none.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { startServer, type Server } from "./program.ts";

/** What is undone when all tests of the file have ended, the last first. */
const cleanups: (() => void | Promise<void>)[] = [];
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** An empty folder that is removed when the file's tests have ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "causal-trace-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `causal-trace serve` with these words behind it, for the file's tests. */
export async function serve(folder: string, ...words: string[]): Promise<Server> {
  const server = await startServer(folder, ...words);
  cleanups.push(server.stop);
  return server;
}

/** What is made at the first call, and only then: where tests are skipped, nothing is. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
