// What a page gives to be saved.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Locator, Page } from "playwright-core";

export interface Saved {
  name: string;
  text: string;
}

/** Presses a button, and reads the file that it offers. */
export async function saved(page: Page, button: Locator): Promise<Saved> {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

/** Asserts that a file is an SVG picture that an XML parser takes, with this text among its texts. */
export async function isPicture(page: Page, { name, text }: Saved, shows: string): Promise<void> {
  assert.match(name, /\.svg$/);
  const found = await page.evaluate((xml) => {
    const parsed = new DOMParser().parseFromString(xml, "image/svg+xml");
    const texts = [...parsed.querySelectorAll("text")].map((element) => element.textContent ?? "");
    return { root: parsed.documentElement.localName, error: parsed.querySelector("parsererror")?.textContent ?? null, texts };
  }, text);
  assert.deepEqual([found.root, found.error], ["svg", null]);
  assert.ok(found.texts.some((line) => line.includes(shows)), `${shows} is not in ${JSON.stringify(found.texts)}`);
}
