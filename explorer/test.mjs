// Runs every *.test.ts and *.test.tsx below a folder: `node --import tsx test.mjs FOLDER`. Node 20's own --test takes no
// patterns. With --as-cargo the results are written as cargo's tests write theirs, for `cargo xtask test` to count.
import { readdirSync } from "node:fs";
import path from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import asCargo from "./as-cargo.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];
if (!folder) throw new Error("usage: node --import tsx test.mjs FOLDER [--as-cargo]");
const files = readdirSync(path.join(here, folder), { recursive: true })
  .filter((file) => /\.test\.tsx?$/.test(file))
  .sort()
  .map((file) => path.join(here, folder, file));
if (files.length === 0) throw new Error(`there is no test in ${folder}`);

// One file at a time: two browsers at once would slow each other down, and what is timed with them.
const tests = run({ files, concurrency: 1, timeout: 15 * 60 * 1000 });
tests.on("test:fail", () => {
  process.exitCode = 1;
});
tests.compose(process.argv.includes("--as-cargo") ? asCargo : new spec()).pipe(process.stdout);
