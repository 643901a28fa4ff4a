// Whatever stands in a file of facts is shown as text, and nothing of it runs.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { visible } from "../src/token-text.tsx";
import { isPicture, saved } from "./downloads.ts";
import { once, serve, temporaryFolder } from "./setup.ts";
import { HOSTILE_FACTS, HOSTILE_NAME } from "./hostile.ts";
import { promptMap, readCell } from "./maps.ts";
import { run } from "./program.ts";
import { browserTest, goTo, promptLinks, type Visit } from "./support.ts";

const folder = temporaryFolder();
/** All but the last, which is too long. */
const TRACED = HOSTILE_FACTS.slice(0, -1);

const results = once(async () => {
  await writeFile(path.join(folder, "facts.json"), JSON.stringify(HOSTILE_FACTS));
  const settings = ["--target", "attribute", "--component", "all", "--window", "3", "--samples", "2"];
  await run(folder, "sweep", "--facts", "facts.json", ...settings, "--out", HOSTILE_NAME);
});

async function openFile({ page }: Visit): Promise<void> {
  await results();
  await run(folder, "report", HOSTILE_NAME, "--out", "report.html");
  await page.goto(pathToFileURL(path.join(folder, "report.html")).href);
}

async function openServed({ page }: Visit): Promise<void> {
  await results();
  await page.goto((await serve(folder, HOSTILE_NAME, "--port", "0")).url);
}

/** Asserts that the page has no element that a text could have made, and that no text was run. */
async function isUnharmed(page: Page): Promise<void> {
  const found = await page.evaluate(() => ({
    deed: "deed" in window,
    elements: [...document.querySelectorAll("#page script, #page iframe, #page object, #page embed, #page img, #page svg[onload], [onerror]")]
      .map((element) => element.outerHTML),
    links: [...document.links].map((link) => link.protocol).filter((protocol) => protocol !== location.protocol),
  }));
  assert.deepEqual(found, { deed: false, elements: [], links: [] });
}

for (const [place, open] of [["report", openFile], ["explorer", openServed]] as const) {
  browserTest(`${place}: hostile texts are shown and do not run`, async (visit) => {
    await open(visit);
    const { page } = visit;
    await page.getByRole("heading", { level: 1 }).filter({ hasText: visible(HOSTILE_NAME, "odd") }).waitFor();
    await page.getByRole("figure", { name: /^Average indirect effect of/ }).first().getByRole("grid").waitFor();
    await isUnharmed(page);

    await goTo(page, "Prompts");
    await promptLinks(page).first().waitFor();
    assert.deepEqual(await promptLinks(page).allTextContents(), TRACED.map(({ prompt }) => visible(prompt, "odd")));
    const table = await saved(page, page.getByRole("button", { name: "Download CSV: the prompts of the table" }));
    assert.ok(table.text.includes(",'=1+1 is in,"), "a spreadsheet would run a formula");

    for (const [at, { subject }] of TRACED.entries()) {
      await promptLinks(page).nth(at).click();
      const title = page.getByRole("article").getByRole("heading", { level: 1 });
      await title.filter({ hasText: visible(subject, "odd") }).waitFor();
      await readCell(promptMap(page, "residual"), 1, 1);
      const button = promptMap(page, "attn").getByRole("button", { name: /^Download SVG/ });
      await isPicture(page, await saved(page, button), "Restoring attention outputs");
      await isUnharmed(page);
    }

    await page.getByLabel("Shown as").selectOption("table");
    await promptMap(page, "mlp").getByRole("table").waitFor();
    await page.getByLabel("Search prompts").fill("<script>");
    await page.getByText("3 of 12 prompts").waitFor();
    await goTo(page, "Compare");
    await page.getByRole("heading", { name: "Compare" }).waitFor();
    await page.getByRole("article").getByRole("table").first().waitFor();
    await isUnharmed(page);
  });
}
