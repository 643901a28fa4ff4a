import assert from "node:assert/strict";
import { test } from "node:test";
import { cellPaths } from "./cells.ts";
import { colorOf, sequentialScale } from "./color-scale.ts";
import { moved } from "./keys.ts";
import { cellAt, cellBox, layOut } from "./layout.ts";
import { clampCell, type HeatMapData } from "./model.ts";
import { mapRows } from "./table.tsx";
import { wrap } from "./text-width.ts";

const values = [0, 0, 1, Number.NaN, 0.5, 0.5];
const data: HeatMapData = {
  title: "Restoring MLP outputs, demo", rows: [{ label: " a" }, { label: "=b", mark: "*" }], rowKind: "token", rowAxis: "token",
  columns: 3, columnAxis: "single restored layer", values, noValue: "not yet measured", measure: "IE (probability)",
  format: String, scale: sequentialScale("mlp", 1, values), note: ["small print"],
};
const plot = { x: 10, y: 20, width: 30, height: 40 };

test("neighbours of one colour are one shape, and what has no value has no colour", () => {
  const paths = cellPaths(data, plot);
  assert.equal(paths.get(colorOf(data.scale, 0)), "M10 20H30V40H10Z");
  assert.equal(paths.get(colorOf(data.scale, 1)), "M30 20H40V40H30Z");
  assert.equal(paths.get(""), "M10 40H20V60H10Z");
  assert.equal(paths.get(colorOf(data.scale, 0.5)), "M20 40H40V60H20Z");
  assert.equal(paths.size, 4);
  assert.equal(cellPaths({ ...data, rows: [], values: [] }, plot).size, 0);
});

test("the pointer finds the cell that is drawn under it", () => {
  for (let row = 0; row < 2; row++) {
    for (let column = 0; column < 3; column++) {
      const { x, y, width, height } = cellBox(plot, 2, 3, { row, column });
      assert.deepEqual(cellAt(plot, 2, 3, x + width / 2, y + height / 2), { row, column });
    }
  }
  assert.equal(cellAt(plot, 2, 3, 41, 30), null);
  assert.equal(cellAt(plot, 2, 3, 20, 19), null);
});

test("keys move from cell to cell and stop at the edges", () => {
  const from = (key: string, ctrl = false, cell = { row: 6, column: 1 }) => moved(cell, key, ctrl, 8, 3);
  assert.deepEqual(from("ArrowUp"), { row: 5, column: 1 });
  assert.deepEqual(from("ArrowRight", false, { row: 0, column: 2 }), { row: 0, column: 2 });
  assert.deepEqual([from("Home"), from("End")], [{ row: 6, column: 0 }, { row: 6, column: 2 }]);
  assert.deepEqual([from("Home", true), from("End", true)], [{ row: 0, column: 0 }, { row: 7, column: 2 }]);
  assert.deepEqual([from("PageUp"), from("PageDown")], [{ row: 1, column: 1 }, { row: 7, column: 1 }]);
  assert.equal(from("Tab"), null);
});

test("a linked cell that is not there is the nearest one", () => {
  assert.deepEqual(clampCell(data, { row: 9, column: 1 }), { row: 1, column: 1 });
  assert.equal(clampCell({ rows: [], columns: 3 }, { row: 0, column: 0 }), null);
});

test("everything is drawn within the picture, the small print only in files", () => {
  for (const width of [320, 560, 1200]) {
    const layout = layOut(data, width, false);
    assert.ok(layout.plot.x + layout.plot.width < layout.bar.x && layout.bar.x + layout.bar.width < width);
    assert.deepEqual([layout.width, layout.note], [width, []]);
    const file = layOut(data, width, true);
    assert.ok(file.height > layout.height && (file.note[0]?.y ?? 0) <= file.height);
  }
  assert.deepEqual(layOut(data, 560, false).rowLabels, ["·a", "=b"]);
});

test("a map without rows can be laid out", () => {
  const layout = layOut({ ...data, rows: [], values: [], columns: 0 }, 320, true);
  assert.ok(Number.isFinite(layout.height) && Number.isFinite(layout.columnStep));
});

test("lines break at spaces", () => {
  const letter = 0.6 * 10;
  assert.deepEqual(wrap("one two three", 7 * letter + 0.1, 10), ["one two", "three"]);
});

test("the table is the map's numbers in full", () => {
  assert.deepEqual(mapRows(data), [
    ["position", "token", "mark", "layer 0", "layer 1", "layer 2"],
    [0, " a", "", 0, 0, 1],
    [1, "=b", "*", Number.NaN, 0.5, 0.5],
  ]);
});
