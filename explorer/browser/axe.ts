// axe-core in a page. It comes in through the debugger, which the page's policy does not hold back.

import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";

/** What axe-core finds that is serious or critical, a line each, and where. */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate(() =>
    (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  if (results.passes.length === 0) throw new Error("axe-core found nothing to check");
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join("\n")}`);
}
