// Results as their reader has them: in a report file that is opened from disk with no network, and from a server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { isPicture, saved } from "./downloads.ts";
import { once, serve, temporaryFolder } from "./setup.ts";
import { promptMap, readCell, readings, sameInThreeCells, type Numbers } from "./maps.ts";
import { run } from "./program.ts";
import { browserTest, goTo, promptLinks, type Visit } from "./support.ts";

const folder = temporaryFolder();

interface Exported {
  fact: { known_id: number; prompt: string };
  traced: { components: Record<string, Numbers> } | null;
}

/** The traced prompts of the folder `results`, by the command line's word. */
const results = once(async (): Promise<Exported[]> => {
  await run(folder, "sweep", "--limit", "12", "--component", "all", "--window", "3", "--samples", "3", "--out", "results");
  await run(folder, "export", "results", "--to", "json", "--out", "results.json");
  const { prompts } = JSON.parse(await readFile(path.join(folder, "results.json"), "utf8")) as { prompts: Exported[] };
  return prompts.filter(({ traced }) => traced !== null);
});

const report = once(async () => {
  await results();
  await run(folder, "report", "results", "--out", "report.html");
  return pathToFileURL(path.join(folder, "report.html")).href;
});

const server = once(async () => {
  await results();
  return serve(folder, "results", "--port", "0");
});

/** Opens the report where nothing but its file can be read. */
async function openFile({ context, page }: Visit): Promise<void> {
  const address = await report();
  await context.setOffline(true);
  await context.route(/./, (route) => (route.request().url().startsWith(address) ? route.continue() : route.abort()));
  await page.goto(address);
}

async function openServed({ page }: Visit): Promise<void> {
  await page.goto((await server()).url);
}

for (const [place, open] of [["a report file without a network", openFile], ["the explorer", openServed]] as const) {
  browserTest(`${place}: the folder is opened on its overview, and lists its prompts`, async (visit) => {
    await open(visit);
    const { page } = visit;
    await page.getByRole("heading", { name: /^results/, level: 1 }).waitFor();
    await page.getByRole("figure", { name: /^Average indirect effect of/ }).first().getByRole("grid").waitFor();
    assert.equal(await page.getByRole("link", { name: "Live" }).count(), open === openFile ? 0 : 1);
    await goTo(page, "Prompts");
    await page.getByRole("heading", { name: "Prompts" }).waitFor();
    assert.deepEqual(await promptLinks(page).allTextContents(), (await results()).map(({ fact }) => fact.prompt));
  });

  browserTest(`${place}: a prompt's maps are the command line's numbers`, async (visit) => {
    await open(visit);
    const { page } = visit;
    const [prompt] = await results();
    await goTo(page, "Prompts");
    await promptLinks(page).first().click();
    for (const component of ["residual", "mlp", "attn"] as const) {
      const numbers = prompt?.traced?.components[component];
      assert.ok(numbers);
      await sameInThreeCells(promptMap(page, component), numbers);
    }
  });

  browserTest(`${place}: a component is chosen, its map downloaded, and the view linked to`, async (visit) => {
    await open(visit);
    const { context, page } = visit;
    await goTo(page, "Prompts");
    await promptLinks(page).nth(1).click();
    await promptMap(page, "residual").waitFor();
    await page.getByLabel("Component").selectOption("mlp");
    await promptMap(page, "residual").waitFor({ state: "detached" });
    const map = promptMap(page, "mlp");
    await isPicture(page, await saved(page, map.getByRole("button", { name: /^Download SVG/ })), "Restoring MLP outputs");

    const read = await readCell(map, 1, 3);
    // The address follows the view when that has settled.
    await page.waitForFunction(() => location.hash.includes("cell=1.3"));
    const title = (page: Visit["page"]) => page.getByRole("article").getByRole("heading", { level: 1 }).textContent();
    const other = await context.newPage();
    await other.goto(page.url());
    assert.deepEqual(await readings(promptMap(other, "mlp")), read);
    assert.equal(await title(other), await title(page));
    assert.equal(await other.getByLabel("Component").inputValue(), "mlp");
  });
}
