// Bundles the page into crates/report/assets, from where it is embedded in the program. The same sources and lock file
// give the same bytes.
import { build } from "esbuild";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? path.join(here, "../crates/report/assets");

const result = await build({
  absWorkingDir: here,
  entryPoints: { explorer: "src/main.tsx" },
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  charset: "ascii",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  metafile: true,
  write: false,
  outdir: out,
});
await mkdir(out, { recursive: true });
for (const file of result.outputFiles) {
  await writeFile(file.path, file.contents);
}
await writeFile(path.join(out, "explorer-licenses.txt"), await licenses(Object.keys(result.metafile.inputs)));

/** The licence of every package that went into the bundle; packages under the same words are named together. */
async function licenses(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) packages.add(found[1]);
  }
  const byText = new Map();
  for (const name of [...packages].sort()) {
    const folder = path.join(here, "node_modules", name);
    const file = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
    if (!file) throw new Error(`${name} goes into the bundle and has no licence file`);
    const text = (await readFile(path.join(folder, file), "utf8")).trim();
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  const parts = [...byText].map(([text, names]) => `${names.join(", ")}\n\n${text}\n`);
  return `Parts of the page come from these packages.\n\n${parts.join("\n----\n\n")}`;
}
