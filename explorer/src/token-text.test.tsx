import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, pieces, spoken, visible } from "./token-text.tsx";

test("what would not be seen is marked", () => {
  const texts = [" Seattle", "\n", "  ", "", "\t", "\r", " a\nb ", "\u001b[0m", "\u200b", "\u00a0", "\u0000", "\ufffd", "\ud800"];
  const expected = [
    "·Seattle", "⏎", "··", "\"\"", "→", "‹U+000D›", "·a⏎b·", "‹U+001B›[0m", "‹U+200B›", "‹U+00A0›", "‹U+0000›", "\ufffd",
    "‹U+D800›",
  ];
  assert.deepEqual(texts.map((text) => visible(text)), expected);
});

test("marks are told from text that looks like them", () => {
  assert.deepEqual(pieces("·"), [{ text: "·", stands: null }]);
  assert.deepEqual(pieces(" ·"), [{ text: "·", stands: "space" }, { text: "·", stands: null }]);
});

test("marks of direction are shown, and letters keep theirs", () => {
  assert.equal(visible("\u202eabc\u202c"), "‹U+202E›abc‹U+202C›");
  assert.deepEqual(pieces(" שלום"), [{ text: "·", stands: "space" }, { text: "שלום", stands: null }]);
});

test("a combining mark stands on a circle", () => {
  assert.equal(visible("\u0301"), "◌\u0301");
  assert.equal(visible(" \u0301"), "·◌\u0301");
});

test("markup is text", () => {
  assert.deepEqual(pieces("<script>alert('1')</script>"), [{ text: "<script>alert('1')</script>", stands: null }]);
});

test("in a prompt only odd spaces are marked", () => {
  assert.equal(visible("The Space Needle", "odd"), "The Space Needle");
  assert.equal(visible(" a  b ", "odd"), "·a··b·");
  assert.deepEqual(pieces(" a ", "odd", ["x", "y"]), [{ text: " a ", stands: null }]);
});

test("a reader hears the marks", () => {
  assert.equal(spoken(" Seattle"), "space, Seattle");
  assert.equal(spoken("\u202e"), "U+202E");
});

test("long texts keep their beginning, and whole characters", () => {
  assert.equal(cut("transformer", 11), "transformer");
  assert.equal(cut("transformers", 6), "trans…");
  assert.equal(cut("🦀🦀🦀🦀", 3), "🦀🦀…");
  assert.equal(cut("🦀🦀🦀🦀", 4), "🦀🦀🦀🦀");
});
