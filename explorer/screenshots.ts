// The pictures of docs/explorer.md, taken of a real run: `npm run screenshots`, after `cargo build --release`.
//
// With the path of a results folder behind `npm run screenshots --`, it is that folder's; without, the embedded facts are
// swept first.

import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { findChromium, launch } from "./browser/chromium.ts";
import { promptMap, readCell } from "./browser/maps.ts";
import { run, startServer } from "./browser/program.ts";
import type { Report } from "./src/data.ts";
import { PAGE_ROWS } from "./src/prompts/rows.ts";

const FIGURES = fileURLToPath(new URL("../docs/figures", import.meta.url));
const PROMPT = "Space Needle can be found in the city of";
const WIDTH = 1200;

const executable = findChromium();
if (executable === null) throw new Error("there is no Chromium");
const folder = await mkdtemp(path.join(tmpdir(), "causal-trace-"));
const given = process.argv[2];
if (given === undefined) await run(folder, "sweep", "--component", "all", "--window", "3", "--out", "embedded-facts");
const results = given === undefined ? "embedded-facts" : path.resolve(given);
const server = await startServer(folder, results, "--port", "0");
const browser = await launch(executable);
try {
  for (const colorScheme of ["light", "dark"] as const) {
    await picture(browser, "overview", colorScheme, 1190, async (page) => {
      await page.goto(`${server.url}#overview?component=mlp`);
      await page.getByRole("figure", { name: /^Average indirect effect of/ }).first().getByRole("grid").waitFor();
    });
    await picture(browser, "prompt", colorScheme, 960, async (page) => {
      await page.goto(server.url);
      const report = await page.evaluate(async () => (await (await fetch("/api/report")).json()) as Report);
      const rows = report.folders[0]?.prompts ?? [];
      const place = rows.findIndex(({ prompt }) => prompt === PROMPT);
      if (place < 0) throw new Error(`the folder has no prompt "${PROMPT}"`);
      await page.goto(`${server.url}#prompts?prompt=${rows[place]?.id}&page=${1 + Math.floor(place / PAGE_ROWS)}`);
      await readCell(promptMap(page, "residual"), 1, 2);
    });
    await picture(browser, "live", colorScheme, 960, async (page) => {
      await page.goto(`${server.url}#live`);
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await page.getByText(/^Done in /).first().waitFor({ state: "attached" });
      await readCell(promptMap(page, "residual"), 1, 2);
    });
  }
} finally {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function picture(
  browser: Browser, name: string, colorScheme: "light" | "dark", height: number, show: (page: Page) => Promise<void>,
): Promise<void> {
  const page = await browser.newPage({ colorScheme, viewport: { width: WIDTH, height }, reducedMotion: "reduce" });
  await show(page);
  // The maps are drawn in the frame after the last change.
  await page.evaluate(() => new Promise(requestAnimationFrame));
  await page.evaluate(() => scrollTo(0, 0));
  const file = path.join(FIGURES, `explorer-${name}-${colorScheme}.png`);
  await page.screenshot({ path: file });
  console.log(`${path.basename(file)}: ${Math.ceil((await stat(file)).size / 1000)} kB`);
  await page.close();
}
