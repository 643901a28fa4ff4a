// A reporter for node's test runner that writes what `cargo test` writes: xtask/src/test_output.rs reads both.
import path from "node:path";
import { inspect } from "node:util";

export default async function* asCargo(events) {
  const counts = { passed: 0, failed: 0, ignored: 0 };
  for await (const { type, data } of events) {
    // A test that holds others is counted by them.
    const counted = data.details?.type !== "suite" && data.details?.error?.failureType !== "subtestsFailed";
    if (type === "test:pass" && data.skip !== undefined) {
      counts.ignored += 1;
      yield `test ${named(data)} ... ignored, ${typeof data.skip === "string" ? data.skip : "no reason given"}\n`;
    } else if (type === "test:pass" && counted) {
      counts.passed += 1;
      yield `test ${named(data)} ... ok\n`;
    } else if (type === "test:fail" && counted) {
      counts.failed += 1;
      const { error } = data.details;
      yield `test ${named(data)} ... FAILED\n${inspect(error.cause ?? error)}\n`;
    } else if (type === "test:stdout" || type === "test:stderr") {
      yield data.message;
    }
  }
  const { passed, failed, ignored } = counts;
  yield `test result: ${failed === 0 ? "ok" : "FAILED"}. ${passed} passed; ${failed} failed; ${ignored} ignored\n`;
}

/** A test's name; a file that broke has its path for one. */
function named({ name }) {
  return path.isAbsolute(name) ? path.basename(name) : name;
}
