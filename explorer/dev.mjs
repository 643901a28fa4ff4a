// Builds a page of the fixture's numbers, to look at while writing it: node dev.mjs [FOLDER], then open its index.html.
import { build } from "esbuild";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(here, "dev"));

const entry = `
  import "./src/style.css";
  import { render } from "preact";
  import { Page } from "./src/page.tsx";
  import { fixture, fixtureSource } from "./src/fixture.ts";
  const prompts = Number(new URLSearchParams(location.search).get("prompts") ?? 60);
  render(<Page source={fixtureSource(false, fixture(prompts))} />, document.getElementById("page"));
`;
await build({
  absWorkingDir: here,
  stdin: { contents: entry, loader: "tsx", resolveDir: here },
  bundle: true,
  format: "iife",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  outfile: path.join(out, "page.js"),
});
await mkdir(out, { recursive: true });
const policy = "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src blob: data:";
await writeFile(path.join(out, "index.html"), `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>causal-trace</title>
<link rel="stylesheet" href="page.css">
<div id="page"></div>
<script src="page.js"></script>
`);
