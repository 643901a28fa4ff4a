// The program that was built, run and served.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** A start of the server that says nothing for so long has failed. */
const START_MS = 60_000;

// What is tested must not depend on somebody's own defaults.
process.env["CAUSAL_TRACE_CONFIG"] = "";

/** The program that `cargo xtask test` built, or else the one that `cargo build --release` leaves. */
function program(): string {
  const found = process.env["CAUSAL_TRACE_PROGRAM"] ?? path.join(ROOT, "target/release/causal-trace");
  if (!existsSync(found)) throw new Error(`${found} is not there: cargo build --release, or set CAUSAL_TRACE_PROGRAM`);
  return found;
}

/** Runs a command to its end; what it wrote on standard output. */
export async function run(folder: string, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program(), words, { cwd: folder, maxBuffer: 1 << 28 });
  return stdout;
}

/** Runs a command line as it is shown to a reader, in a shell. */
export async function runLine(folder: string, line: string): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", ["-c", line.replace(/^causal-trace /, '"$PROGRAM" ')], {
    cwd: folder, env: { ...process.env, PROGRAM: program() }, maxBuffer: 1 << 28,
  });
  return stdout;
}

export interface Server {
  /** Where its page is, as it printed it. */
  url: string;
  /** All that it wrote so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts `causal-trace serve` with these words behind it. */
export async function startServer(folder: string, ...words: string[]): Promise<Server> {
  const child = spawn(program(), ["serve", ...words], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const stop = () => stopped(child);
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`causal-trace serve ${words.join(" ")} ${why}:\n${output}`));
    const timer = setTimeout(() => fail("did not say where its page is"), START_MS);
    const read = (bytes: Buffer) => {
      output += bytes.toString();
      const found = /http:\/\/\S+/.exec(output);
      // The line must have been read to its end.
      if (found && output.indexOf("\n", found.index) >= 0) resolve(found[0]);
      if (found) clearTimeout(timer);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", (error) => fail(error.message));
    child.on("exit", () => fail("ended"));
  });
  return { url, output: () => output, stop };
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
