/**
 * /vmui/: the web page, static files of @nyanza/ui read once at the start. A path is looked up in a fixed table, so
 * none leads out of the folder.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { InputError } from "@nyanza/tsdb";
import { quote } from "../http/arguments.ts";
import type { Handler } from "../http/context.ts";
import { sendBody } from "../http/response.ts";

const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".json", "application/json"],
  [".svg", "image/svg+xml"],
  [".png", "image/png"],
  [".ico", "image/x-icon"],
  [".woff2", "font/woff2"],
  [".txt", "text/plain; charset=utf-8"],
]);

/** The page runs its own scripts, talks to its own server, and is framed by nobody. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface PageFile {
  readonly bytes: Buffer;
  readonly packed: Buffer | null;
  readonly contentType: string;
  /** Its name holds a hash of its content: browsers may keep it for ever. */
  readonly isImmutable: boolean;
}

export type PageFiles = ReadonlyMap<string, PageFile>;

/** Files by path below /vmui/. Empty when the page has not been built. */
export function loadPage(folder: string = pageFolder()): PageFiles {
  const files = new Map<string, PageFile>();
  let entries: string[];
  try {
    entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return files;
  }
  for (const entry of entries) {
    const contentType = CONTENT_TYPES.get(extname(entry));
    if (contentType === undefined) continue;
    const bytes = readFileSync(join(folder, entry));
    const path = entry.replaceAll("\\", "/");
    const packed = bytes.length > 1024 && !contentType.startsWith("image/png") ? gzipSync(bytes) : null;
    files.set(path, { bytes, packed, contentType, isImmutable: /-[A-Za-z0-9_-]{8,}\.\w+$/.test(path) });
  }
  return files;
}

function pageFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve("@nyanza/ui/package.json")), "dist", "page");
}

export function createPageHandlers(files: PageFiles): { page: Handler; pageRedirect: Handler } {
  return {
    // Relative, for a proxy may have put any prefix before it.
    pageRedirect: ({ path, request, response }) => {
      const search = (request.url ?? "").split("?")[1] ?? "";
      const last = path.slice(path.lastIndexOf("/") + 1);
      response.statusCode = 302;
      response.setHeader("Location", `${last}/${search === "" ? "" : `?${search}`}`);
      response.end();
    },
    page: ({ request, response, rest }) => {
      const path = rest === "" ? "index.html" : rest;
      const file = files.get(path);
      if (file === undefined) {
        const reason =
          files.size === 0 ? "the page has not been built: run `npm run build`" : `no such file: ${quote(path)}`;
        throw new InputError(reason, 404);
      }
      const headers = {
        "Content-Security-Policy": PAGE_POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
      };
      const answer = { contentType: file.contentType, headers };
      const takesGzip = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
      if (file.packed !== null && takesGzip) {
        response.setHeader("Content-Encoding", "gzip");
        response.setHeader("Vary", "Accept-Encoding");
        sendBody(request, response, answer, file.packed);
      } else sendBody(request, response, answer, file.bytes);
    },
  };
}
