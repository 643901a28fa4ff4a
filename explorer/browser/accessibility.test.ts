// What axe-core says of every view, in both colour schemes, wide and narrow.

import assert from "node:assert/strict";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { seriousViolations } from "./axe.ts";
import { once, serve, temporaryFolder } from "./setup.ts";
import { promptMap, readCell } from "./maps.ts";
import { run } from "./program.ts";
import { browserTest, promptLinks } from "./support.ts";

const folder = temporaryFolder();
const settings = ["--limit", "6", "--component", "all", "--window", "3", "--samples", "2"];

const report = once(async () => {
  await run(folder, "sweep", ...settings, "--out", "first");
  await run(folder, "sweep", ...settings, "--seed", "2", "--out", "second");
  await run(folder, "report", "first", "second", "--out", "report.html");
  return pathToFileURL(path.join(folder, "report.html")).href;
});
const server = once(async () => (await serve(folder, "--port", "0")).url);

/** Every view: where it is, and when all of it is there. */
const VIEWS: [name: string, address: () => Promise<string>, isThere: (page: Page) => Promise<unknown>][] = [
  ["overview", report, (page) => page.getByRole("figure", { name: /^Average indirect effect of/ }).first().getByRole("grid").waitFor()],
  ["prompts", async () => `${await report()}#prompts`, (page) => promptLinks(page).first().waitFor()],
  ["a prompt", async () => `${await report()}#prompts?prompt=0`, (page) => readCell(promptMap(page, "attn"), 0, 0)],
  ["a prompt as tables", async () => `${await report()}#prompts?prompt=0&form=table`, (page) => promptMap(page, "attn").getByRole("table").waitFor()],
  ["compare", async () => `${await report()}#compare?prompt=0&with-folder=second`, (page) => page.getByRole("figure", { name: / minus / }).getByRole("grid").waitFor()],
  ["live", async () => `${await server()}#live`, (page) => page.getByRole("listbox").getByRole("option").first().waitFor()],
];

for (const [name, address, isThere] of VIEWS) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 360]) {
      browserTest(`${name}, ${colorScheme}, ${width} pixels wide: no serious violation`, async ({ page }) => {
        await page.goto(await address());
        await isThere(page);
        assert.deepEqual(await seriousViolations(page), []);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(overflow, 0, "the page is wider than the screen");
      }, { colorScheme, viewport: { width, height: 800 } });
    }
  }
}
