// The live view: a prompt of one's own, traced by the program while one looks on.

import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { isPicture, saved } from "./downloads.ts";
import { once, serve, temporaryFolder } from "./setup.ts";
import { promptMap, readCell, readings, sameInThreeCells, type MapComponent, type Numbers } from "./maps.ts";
import { runLine } from "./program.ts";
import { browserTest, goTo, promptLinks } from "./support.ts";

const folder = temporaryFolder();
/** With nothing but a free port. */
const server = once(() => serve(folder, "--port", "0"));

const PROMPT = "Eiffel Tower can be found in the city of";
const SUBJECT = "Eiffel Tower";

interface Traced {
  prompt: { tokens: string[]; subject: string };
  answer: string;
  components: ({ component: MapComponent } & Numbers)[];
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
/** How the trace stands, as a screen reader is told. */
const standing = (page: Page) => page.getByRole("region", { name: "The trace" }).getByRole("status").first();

async function typePrompt(page: Page, text: string): Promise<Locator> {
  await page.getByLabel("Prompt", { exact: true }).fill(text);
  const tokens = page.getByRole("listbox", { name: /^Tokens of the prompt/ });
  await tokens.and(page.locator("[aria-busy=false]")).waitFor();
  return tokens;
}

/** Drags over tokens. */
async function mark(page: Page, tokens: Locator, first: number, last: number): Promise<void> {
  await tokens.getByRole("option").nth(first).hover();
  await page.mouse.down();
  await tokens.getByRole("option").nth(last).hover();
  await page.mouse.up();
}

async function set(page: Page, name: string, value: string): Promise<void> {
  const field = page.getByLabel(name, { exact: true });
  if (!(await field.isVisible())) await page.getByText("More settings").click();
  await field.fill(value);
}

browserTest("serve opens on the embedded model; a typed prompt's maps are the command line's numbers", async ({ page }) => {
  await page.goto((await server()).url);
  await page.getByRole("heading", { name: /^Live demo/, level: 1 }).waitFor();

  const tokens = await typePrompt(page, PROMPT);
  assert.ok((await tokens.getByRole("option", { selected: true }).count()) > 0, "no subject is guessed");
  await mark(page, tokens, 1, 2);
  await page.getByText("Marked: iffel").waitFor();
  await mark(page, tokens, 3, 0);
  await page.getByText(`Marked: ${SUBJECT.replace(" ", "·")}`).waitFor();
  assert.equal(await tokens.getByRole("option", { selected: true }).count(), 4);
  assert.match(await page.getByRole("group", { name: "Answer" }).getByRole("radio").first().evaluate((radio) => radio.parentElement?.textContent ?? ""), /Paris/);

  for (const name of ["residual", "MLP", "attention"]) await page.getByRole("checkbox", { name: new RegExp(`^${name} `) }).first().check();
  await set(page, "Samples", "4");
  await button(page, "Run").click();
  await standing(page).filter({ hasText: /^Done in / }).waitFor();

  const line = (await page.getByRole("region", { name: "The trace" }).getByRole("code").filter({ hasText: /^causal-trace / }).textContent()) ?? "";
  const traced = JSON.parse(await runLine(folder, `${line} --json`)) as Traced;
  assert.deepEqual([traced.prompt.subject, traced.answer, traced.components.length], [SUBJECT, " Paris", 3]);
  for (const numbers of traced.components) await sameInThreeCells(promptMap(page, numbers.component), numbers);
});

browserTest("a run is cancelled, and another one takes its place", async ({ page }) => {
  await page.goto(`${(await server()).url}#live`);
  // As long as the model takes, and as many samples as the server takes: this lasts.
  const tokens = await typePrompt(page, `${"the ".repeat(50)}${PROMPT}`);
  await mark(page, tokens, 51, 54);
  await page.getByText(`Marked: ·${SUBJECT.replace(" ", "·")}`).waitFor();
  await set(page, "Samples", "100");
  await button(page, "Run").click();
  // Some of the map is there before the end is.
  await page.getByRole("progressbar", { name: "Sites measured" }).waitFor();
  await promptMap(page, "residual").getByRole("grid").waitFor();
  await button(page, "Cancel").click();
  await standing(page).filter({ hasText: /^Cancelled/ }).waitFor();
  await set(page, "Samples", "1");
  await button(page, "Run").click();
  await standing(page).filter({ hasText: /^Done in / }).waitFor();
});

browserTest("a trace is saved, opened, downloaded and linked to", async ({ context, page }) => {
  await page.goto(`${(await server()).url}#live`);
  await typePrompt(page, PROMPT);
  await set(page, "Samples", "2");
  await button(page, "Run").click();
  await standing(page).filter({ hasText: /^Done in / }).waitFor();
  // A look at another view does not cost the trace.
  await goTo(page, "Overview");
  await standing(page).waitFor({ state: "detached" });
  await goTo(page, "Live");
  await standing(page).filter({ hasText: /^Done in / }).waitFor();
  await page.getByRole("region", { name: "The trace" }).getByRole("heading", { name: /can be found in the city of/, level: 2 }).waitFor();
  const here = await readCell(promptMap(page, "residual"), 2, 2);
  await isPicture(page, await saved(page, promptMap(page, "residual").getByRole("button", { name: /^Download SVG/ })), "Restoring the state");
  await button(page, "Save").click();
  await page.getByText(/^Saved in /).waitFor();
  await page.getByRole("link", { name: "Open it" }).click();
  await page.getByRole("article").getByRole("heading", { level: 1 }).waitFor();
  const there = await readCell(promptMap(page, "residual"), 2, 2);
  assert.deepEqual([there.get("IE"), there.get("PI")], [here.get("IE"), here.get("PI")]);

  await page.waitForFunction(() => location.hash.includes("cell=2.2"));
  const other = await context.newPage();
  await other.goto(page.url());
  assert.deepEqual(await readings(promptMap(other, "residual")), there);
  await goTo(other, "Prompts");
  assert.deepEqual(await promptLinks(other).allTextContents(), [PROMPT]);
});

browserTest("what is typed is text, and what is too long is refused", async ({ page }) => {
  await page.goto(`${(await server()).url}#live`);
  const hostile = "<img src=x onerror=window.deed=1> \u202eis in";
  const tokens = await typePrompt(page, hostile);
  assert.match((await tokens.textContent()) ?? "", /onerror.*<0xE2>/s);
  await mark(page, tokens, 0, 2);
  await set(page, "Samples", "2");
  await button(page, "Run").click();
  await standing(page).filter({ hasText: /^Done in / }).waitFor();
  assert.deepEqual(await page.evaluate(() => ["deed" in window, document.querySelectorAll("#page img").length]), [false, 0]);

  await page.getByLabel("Prompt", { exact: true }).fill("x".repeat(100_000));
  await page.getByText(/100000 bytes/).waitFor();
  assert.ok(await button(page, "Run").isDisabled());
});

browserTest("half a character is refused in words", async ({ page, expect }) => {
  await page.goto(`${(await server()).url}#live`);
  await typePrompt(page, PROMPT);
  // The browser notes every answer that is a refusal.
  expect(/status of 400/);
  await page.getByLabel("Prompt", { exact: true }).evaluate((field: HTMLTextAreaElement) => {
    field.value = "\ud800 is in";
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  });
  const problem = page.getByRole("form", { name: "What to trace" }).locator(".problem");
  await problem.first().waitFor();
  assert.ok(await button(page, "Run").isDisabled());
  await typePrompt(page, PROMPT);
  await problem.first().waitFor({ state: "detached" });
});

browserTest("with a secret, who has the address may look", async ({ context, page, expect }) => {
  const { url } = await serve(folder, "--port", "0", "--token");
  const { origin, search } = new URL(url);
  assert.ok(search.length > 20, `there is no secret in ${url}`);
  expect(/status of 40[13]/);
  const refused = await page.goto(origin);
  assert.ok(refused && refused.status() >= 400, "it opens without the secret");
  assert.equal(await page.getByRole("navigation", { name: "Views" }).count(), 0);
  await page.goto(url);
  await page.getByRole("heading", { name: /^Live demo/, level: 1 }).waitFor();
  assert.ok(!page.url().includes(search.slice(1)), "the secret stays in the address, where it would be copied with a view");
  await typePrompt(page, PROMPT);
  // The browser remembers it.
  const other = await context.newPage();
  await other.goto(origin);
  await other.getByRole("heading", { name: /^Live demo/, level: 1 }).waitFor();
});
