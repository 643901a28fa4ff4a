// A test in a browser: a page that is watched. Whatever else a test asserts, it fails if the page wrote an error on the
// console, broke its own security policy, opened a dialog or asked anyone but its server.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { findChromium, launch } from "./chromium.ts";

/** A test that takes longer hangs. */
const TEST_MS = 180_000;
/** What a page does in answer to an action takes no longer, on a slow machine. */
const ACTION_MS = 20_000;

export interface Visit {
  context: BrowserContext;
  page: Page;
  /** What the page did so far that it may not do. */
  problems: string[];
  /** Problems that belong to the test, as where a server refuses something. */
  expect(problem: RegExp): void;
}

/** Registers a test with a page of its own. */
export function browserTest(
  name: string, body: (visit: Visit) => Promise<void>, options: BrowserContextOptions = {}, timeout = TEST_MS,
): void {
  const executable = findChromium();
  const skip = executable === null && "there is no Chromium";
  test(name, { skip, timeout }, async () => {
    const context = await (await browser(executable ?? "")).newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(ACTION_MS);
    const problems: string[] = [];
    const expected: RegExp[] = [];
    await watch(context, problems);
    try {
      const page = await context.newPage();
      await body({ context, page, problems, expect: (problem) => expected.push(problem) });
    } catch (error) {
      for (const problem of problems) console.log(problem);
      throw error;
    } finally {
      await context.close();
    }
    assert.deepEqual(problems.filter((problem) => !expected.some((one) => one.test(problem))), []);
  });
}

let started: Promise<Browser> | null = null;

/** One browser for all tests of a file. */
function browser(executablePath: string): Promise<Browser> {
  started ??= launch(executablePath);
  return started;
}

after(async () => (await started?.catch(() => null))?.close());

/** Notes what no page of ours may do. */
async function watch(context: BrowserContext, problems: string[]): Promise<void> {
  await context.exposeFunction("reportViolation", (text: string) => problems.push(`policy: ${text}`));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      const { reportViolation } = window as unknown as { reportViolation(text: string): void };
      reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => problems.push(`error: ${error.error().stack ?? error.error().message}`));
  context.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    const own = protocol === "data:" || protocol === "blob:" || protocol === "file:" || hostname === "127.0.0.1";
    if (!own) problems.push(`request: ${request.url()}`);
  });
}

/** Follows the link to one of the page's views. */
export async function goTo(page: Page, view: "Overview" | "Prompts" | "Compare" | "Live"): Promise<void> {
  await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: view }).click();
}

/** The prompts in the table. */
export function promptLinks(page: Page): Locator {
  return page.getByRole("region", { name: "Prompts" }).getByRole("row").getByRole("link");
}
