// Debian's Chromium, or another.

import { execFileSync } from "node:child_process";
import path from "node:path";
import { chromium, type Browser } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const OPTIONS = [
  "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];

export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: OPTIONS });
}

/** Where the Chromium of the environment is, or the first in PATH that starts. */
export function findChromium(): string | null {
  const chosen = process.env["CAUSAL_TRACE_CHROMIUM"];
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  const places = (chosen ? [chosen] : NAMES).flatMap((name) =>
    name.includes(path.sep) ? [name] : folders.map((folder) => path.join(folder, name)),
  );
  return places.find(starts) ?? null;
}

function starts(file: string): boolean {
  try {
    execFileSync(file, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
