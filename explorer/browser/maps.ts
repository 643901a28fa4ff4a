// Heat maps as a reader uses them.

import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { number, signed, signedPercent } from "../src/numbers.ts";

/** What the maps of a prompt are called, by component. */
const TITLES = {
  residual: /^Restoring the state after each layer/,
  mlp: /^Restoring MLP outputs/,
  attn: /^Restoring attention outputs/,
};

export type MapComponent = keyof typeof TITLES;

/** A component's measured numbers as the command line writes them, [tokens][layers]. */
export interface Numbers {
  patched: number[][];
  indirect_effect: number[][];
  percent_improvement: number[][];
}

export function promptMap(page: Page, component: MapComponent): Locator {
  return page.getByRole("figure", { name: TITLES[component] });
}

/** Clicks on a cell, and reads what the page says of it. */
export async function readCell(map: Locator, row: number, column: number): Promise<Map<string, string>> {
  const grid = map.getByRole("grid");
  const size = async (name: string) => Number(await grid.getAttribute(name));
  const [rows, columns] = [await size("aria-rowcount"), await size("aria-colcount")];
  await grid.scrollIntoViewIfNeeded();
  const box = await grid.boundingBox();
  assert.ok(box && row < rows && column < columns, `no cell ${row}, ${column} in a map of ${rows} × ${columns}`);
  await grid.click({ position: { x: ((column + 0.5) * box.width) / columns, y: ((row + 0.5) * box.height) / rows } });
  return readings(map);
}

/** What the page says of the cell that is read. */
export async function readings(map: Locator): Promise<Map<string, string>> {
  const terms = map.getByRole("term");
  await terms.first().waitFor();
  const [names, texts] = [await terms.allTextContents(), await map.getByRole("definition").allTextContents()];
  return new Map(names.map((name, at) => [name, texts[at] ?? ""]));
}

/** Asserts that three cells say what the command line's numbers are. */
export async function sameInThreeCells(map: Locator, numbers: Numbers): Promise<void> {
  const [last, layers] = [numbers.patched.length - 1, numbers.patched[0]?.length ?? 0];
  for (const [row, column] of [[0, 0], [1, layers >> 1], [last, layers - 1]] as const) {
    const found = await readCell(map, row, column);
    const at = (name: keyof Numbers) => numbers[name][row]?.[column] ?? Number.NaN;
    assert.match(found.get("layer") ?? "", new RegExp(`^${column} .*@${row}\\)$`));
    assert.equal(found.get("p*_site"), number(at("patched")));
    assert.equal(found.get("IE")?.replace(/ ±.*/, ""), signed(at("indirect_effect")));
    assert.equal(found.get("PI"), signedPercent(at("percent_improvement")));
  }
}
