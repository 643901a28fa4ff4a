// The watch over every page, itself tested: a page that does all that ours may not.

import assert from "node:assert/strict";
import { browserTest } from "./support.ts";

const PAGE = `<!doctype html>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-allowed' 'unsafe-eval'">
<p onclick="1">A page</p><script>1</script>`;

browserTest("what a page may not do is noticed", async ({ page, problems, expect }) => {
  expect(/./);
  await page.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: PAGE }));
  await page.goto("http://127.0.0.1:9/");
  await page.evaluate(() => {
    console.error("said");
    alert("asked");
    setTimeout(() => {
      throw new Error("thrown");
    });
  });
  await page.goto("http://elsewhere.example/");
  for (const problem of [/^policy: script-src/, /^console: said/, /^dialog: asked/, /^error: .*thrown/, /^request: .*elsewhere/]) {
    assert.ok(problems.some((one) => problem.test(one)), `${problem} is not in:\n${problems.join("\n")}`);
  }
});
