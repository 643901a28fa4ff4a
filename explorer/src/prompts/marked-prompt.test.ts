import assert from "node:assert/strict";
import { test } from "node:test";
import { subjectParts } from "./marked-prompt.tsx";

test("the text's own subject comes first", () => {
  const detail = { tokens: ["The", " \ufffd", "\ufffd", " is"], subject: [1, 3] as [number, number] };
  assert.deepEqual(subjectParts({ prompt: "The é is é", subject: "é" }, detail), ["The ", "é", " is é"]);
});

test("without one it is that of the tokens", () => {
  const detail = { tokens: ["The", " Need", "le", " is"], subject: [1, 3] as [number, number] };
  assert.deepEqual(subjectParts({ prompt: "", subject: "" }, detail), ["The", " Needle", " is"]);
  assert.deepEqual(subjectParts({ prompt: "x", subject: "y" }, { tokens: [], subject: null }), ["x", "", ""]);
  assert.deepEqual(subjectParts({ prompt: "", subject: "y" }, { tokens: ["a", "b"], subject: null }), ["ab", "", ""]);
});
