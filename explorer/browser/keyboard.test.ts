// The page without a pointer: everything is reached with Tab and worked with the keys.

import assert from "node:assert/strict";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Locator, Page } from "playwright-core";
import { serve, temporaryFolder } from "./setup.ts";
import { promptMap, readings } from "./maps.ts";
import { run } from "./program.ts";
import { browserTest, promptLinks } from "./support.ts";

const folder = temporaryFolder();
/** More than any view has things to stop at on the way. */
const MOST_TABS = 80;

/** Presses Tab until something has the focus, and asserts that the focus is seen. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  const hasFocus = () => target.evaluate((element) => element === document.activeElement);
  for (let tabs = 0; tabs < MOST_TABS; tabs++) {
    await page.keyboard.press("Tab");
    if (!(await hasFocus())) continue;
    const { outline, shadow } = await target.evaluate((element) => {
      const style = getComputedStyle(element);
      return { outline: style.outlineStyle, shadow: style.boxShadow };
    });
    assert.ok(outline !== "none" || shadow !== "none", "the focus is not seen");
    return;
  }
  assert.fail(`${String(target)} is not reached with ${MOST_TABS} tabs`);
}

const viewLink = (page: Page, name: string) => page.getByRole("navigation", { name: "Views" }).getByRole("link", { name });

browserTest("views, table and maps are worked with the keys", async ({ page }) => {
  await run(folder, "sweep", "--limit", "6", "--component", "all", "--window", "3", "--samples", "2", "--out", "results");
  await run(folder, "report", "results", "--out", "report.html");
  await page.goto(pathToFileURL(path.join(folder, "report.html")).href);
  await page.getByRole("figure", { name: /^Average indirect effect of/ }).first().getByRole("grid").waitFor();

  await tabTo(page, page.getByRole("link", { name: "Skip to the content" }));
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");

  await page.reload();
  await viewLink(page, "Prompts").waitFor();
  await tabTo(page, viewLink(page, "Prompts"));
  await page.keyboard.press("Enter");
  await promptLinks(page).first().waitFor();
  const before = await promptLinks(page).allTextContents();
  const sort = page.getByRole("columnheader", { name: "Prompt" }).getByRole("button");
  await tabTo(page, sort);
  await page.keyboard.press("Enter");
  await page.getByRole("columnheader", { name: "Prompt" }).and(page.locator("[aria-sort=ascending]")).waitFor();
  const after = await promptLinks(page).allTextContents();
  assert.notDeepEqual(after, before);
  assert.deepEqual([...after].sort(), [...before].sort());

  await tabTo(page, promptLinks(page).nth(1));
  await page.keyboard.press("Enter");
  const grid = promptMap(page, "mlp").getByRole("grid");
  await tabTo(page, grid);
  const layer = async () => (await readings(promptMap(page, "mlp"))).get("layer") ?? "";
  const cell = async (row: number, column: number) => assert.match(await layer(), new RegExp(`^${column} .*@${row}\\)$`));
  await cell(0, 0);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await cell(1, 2);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowUp");
  await cell(0, 1);
  // Layers count from 0, and the embedded model has 8.
  await page.keyboard.press("End");
  await cell(0, 7);
  await tabTo(page, promptMap(page, "mlp").getByRole("button", { name: /^Download CSV/ }));
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.match(download.suggestedFilename(), /\.csv$/);
});

browserTest("the live form is worked with the keys", async ({ page }) => {
  const { url } = await serve(folder, "--port", "0");
  await page.goto(`${url}#live`);
  const prompt = page.getByLabel("Prompt", { exact: true });
  await prompt.waitFor();
  await tabTo(page, prompt);
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Eiffel Tower can be found in the city of");
  const tokens = page.getByRole("listbox", { name: /^Tokens of the prompt/ });
  await tokens.and(page.locator("[aria-busy=false]")).waitFor();
  await tabTo(page, tokens);
  await page.keyboard.press("Home");
  for (let token = 1; token <= 3; token++) await page.keyboard.press("Shift+ArrowRight");
  await page.getByText("Marked: Eiffel·Tower").waitFor();
  await tabTo(page, page.getByRole("checkbox", { name: /^MLP/ }).first());
  await page.keyboard.press("Space");
  await tabTo(page, page.getByRole("button", { name: "Run", exact: true }));
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "The trace" }).getByText(/^Done in /).first().waitFor({ state: "attached" });
  await tabTo(page, promptMap(page, "residual").getByRole("grid"));
  await page.keyboard.press("End");
  assert.match((await readings(promptMap(page, "residual"))).get("layer") ?? "", /^7 /);
});
