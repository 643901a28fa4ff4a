// A report file as its reader has it: opened from disk, with no network.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { isPicture, saved } from "./downloads.ts";
import { promptMap, readCell, readings, sameInThreeCells, type Numbers } from "./maps.ts";
import { once, run, temporaryFolder } from "./program.ts";
import { browserTest, type Visit } from "./support.ts";

const FACTS = 12;

const made = once(async () => {
  const folder = temporaryFolder();
  const settings = ["--component", "all", "--window", "3", "--samples", "3"];
  await run(folder, "sweep", "--limit", String(FACTS), ...settings, "--out", "results");
  await run(folder, "export", "results", "--to", "json", "--out", "results.json");
  await run(folder, "report", "results", "--out", "report.html");
  const { prompts } = JSON.parse(await readFile(path.join(folder, "results.json"), "utf8")) as Exported;
  return { address: pathToFileURL(path.join(folder, "report.html")).href, prompts };
});

interface Exported {
  prompts: { fact: { known_id: number; prompt: string }; traced: { components: Record<string, Numbers> } | null }[];
}

/** Opens the report where nothing but its file can be read. */
async function open({ context, page }: Visit): Promise<Exported["prompts"]> {
  const { address, prompts } = await made();
  await context.setOffline(true);
  await context.route(/./, (route) => (route.request().url().startsWith(address) ? route.continue() : route.abort()));
  await page.goto(address);
  return prompts.filter((prompt) => prompt.traced !== null);
}

const toPrompts = (page: Page) => page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Prompts" }).click();
const rowLinks = (page: Page) => page.getByRole("region", { name: "Prompts" }).getByRole("row").getByRole("link");

browserTest("a report opens from disk on its overview", async (visit) => {
  const prompts = await open(visit);
  const { page } = visit;
  await page.getByRole("heading", { name: /^results/, level: 1 }).waitFor();
  await page.getByRole("figure", { name: /^Average indirect effect of/ }).first().waitFor();
  assert.equal(await page.getByRole("link", { name: "Live" }).count(), 0);
  await toPrompts(page);
  await page.getByRole("heading", { name: "Prompts" }).waitFor();
  assert.deepEqual(await rowLinks(page).allTextContents(), prompts.map(({ fact }) => fact.prompt));
});

browserTest("a prompt's maps in a report are the command line's numbers", async (visit) => {
  const [prompt] = await open(visit);
  const { page } = visit;
  await toPrompts(page);
  await rowLinks(page).first().click();
  for (const component of ["residual", "mlp", "attn"] as const) {
    const numbers = prompt?.traced?.components[component];
    assert.ok(numbers);
    await sameInThreeCells(promptMap(page, component), numbers);
  }
});

browserTest("a component is chosen, its map downloaded, and the view linked to", async (visit) => {
  await open(visit);
  const { context, page } = visit;
  await toPrompts(page);
  await rowLinks(page).nth(1).click();
  await promptMap(page, "residual").waitFor();
  await page.getByLabel("Component").selectOption("mlp");
  await promptMap(page, "mlp").waitFor();
  assert.equal(await promptMap(page, "residual").count(), 0);
  const button = promptMap(page, "mlp").getByRole("button", { name: /^Download SVG/ });
  await isPicture(page, await saved(page, button), "Restoring MLP outputs");

  const read = await readCell(promptMap(page, "mlp"), 1, 3);
  // The address follows the view when that has settled.
  await page.waitForFunction(() => location.hash.includes("cell=1.3"));
  const title = await page.getByRole("heading", { level: 1 }).last().textContent();
  const other = await context.newPage();
  await other.goto(page.url());
  assert.deepEqual(await readings(promptMap(other, "mlp")), read);
  assert.equal(await other.getByRole("heading", { level: 1 }).last().textContent(), title);
  assert.equal(await other.getByLabel("Component").inputValue(), "mlp");
});
