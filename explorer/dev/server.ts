// A server to develop the page with: the page built afresh at every load, made-up numbers, the same
// Content-Security-Policy as the program's.
//
//   npm run dev -- [PORT] [MILLISECONDS BETWEEN EVENTS]

import { build } from "esbuild";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { JobRequest } from "../src/live.ts";
import { encodeChunk } from "./chunk.ts";
import { cancel, LIVE, start, stream, tokenize } from "./live.ts";
import { madeUpFolder } from "./made-up.ts";

const PORT = Number(process.argv[2] ?? 8788);
const PACE = Number(process.argv[3] ?? 150);
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'";
const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>causal-trace</title><link rel="stylesheet" href="/explorer.css"></head>
<body><div id="page"></div><script src="/explorer.js"></script></body></html>`;

const made = [madeUpFolder("places", ["residual", "mlp", "attn"], 24), madeUpFolder("places-2", ["mlp"], 12)];

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => reply(response, 500, { error: String(error) }));
});
server.listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}/`));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const [, area, first, second, third] = pathname.split("/").map(decodeURIComponent);
  response.setHeader("content-security-policy", POLICY);
  if (pathname === "/") return send(response, "text/html; charset=utf-8", PAGE);
  if (pathname === "/explorer.js" || pathname === "/explorer.css") {
    return send(response, pathname.endsWith("js") ? "text/javascript" : "text/css", await bundled(pathname.slice(1)));
  }
  if (area !== "api") return reply(response, 404, { error: "there is no such page" });
  const folder = made[Number(second)];
  switch (`${request.method} ${first}`) {
    case "GET report":
      return reply(response, 200, { program: "causal-trace (development)", folders: made.map(({ folder }) => folder) });
    case "GET folders":
      return folder ? send(response, "application/octet-stream", encodeChunk(folder.details)) : reply(response, 404, { error: "there is no such folder" });
    case "GET live":
      return reply(response, 200, LIVE);
    case "POST tokens": {
      const { prompt } = await body<{ prompt: string }>(request);
      return reply(response, 200, tokenize(prompt));
    }
    case "GET jobs":
      return stream(second ?? "", response, PACE);
    case "POST jobs":
      if (third === "save") return reply(response, 200, { path: `${LIVE.saves_to}/trace-${second}`, folder: 1 });
      return reply(response, 200, start(await body<JobRequest>(request)));
    case "DELETE jobs":
      return cancel(second ?? "") ? void response.writeHead(204).end() : reply(response, 404, { error: "there is no such job" });
    default:
      return reply(response, 404, { error: "there is no such thing to ask for" });
  }
}

async function bundled(file: string): Promise<Uint8Array> {
  const result = await build({
    absWorkingDir: fileURLToPath(new URL("..", import.meta.url)),
    entryPoints: { explorer: "src/main.tsx" },
    bundle: true, format: "iife", target: ["es2022"], jsx: "automatic", jsxImportSource: "preact", write: false, outdir: ".", logLevel: "error",
  });
  const found = result.outputFiles.find((output) => output.path.endsWith(file));
  return found?.contents ?? new Uint8Array();
}

function send(response: ServerResponse, type: string, contents: string | Uint8Array): void {
  response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(contents);
}

function reply(response: ServerResponse, status: number, answer: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(answer));
}

async function body<T>(request: IncomingMessage): Promise<T> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString("utf8")) as T;
}
