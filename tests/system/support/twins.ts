/**
 * The same request to two servers, ours and Debian's victoria-metrics 1.79.5, and what differs between the answers.
 *
 * Compared are status, content type and body. What never can be equal is taken out first: how long a query took, the present moment,
 * the texts of errors (their JSON must have the same shape), and the fields that came after 1.79.5.
 */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type HttpAnswer, type HttpOptions, http } from "./http.ts";
import { startNyanza } from "./nyanza.ts";
import { startPeer } from "./peers.ts";
import type { Scope } from "./scope.ts";

export interface Twins {
  readonly ours: string;
  readonly theirs: string;
}

/** A file of the corpora beside the repository, in ../shared or where NYANZA_SHARED says. @throws Error if there is none */
export function readCorpus(name: string): Buffer {
  const repository = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");
  return readFileSync(join(process.env["NYANZA_SHARED"] ?? join(repository, "../shared"), "corpora", name));
}

/** Starts both. Neither hides the newest samples unless `flags` say so. */
export async function startTwins(scope: Scope, flags: readonly string[] = []): Promise<Twins> {
  const [ours, theirs] = await Promise.all([
    startNyanza(scope, { flags: ["-selfScrapeInterval=0s", ...flags] }),
    startPeer(scope, "victoria-metrics", { flags }),
  ]);
  return { ours: ours.url, theirs: theirs.url };
}

/** Sends the same request to both. */
export async function askBoth(
  twins: Twins,
  target: string,
  options: HttpOptions = {},
): Promise<{ ours: HttpAnswer; theirs: HttpAnswer }> {
  const [ours, theirs] = await Promise.all([http(twins.ours + target, options), http(twins.theirs + target, options)]);
  return { ours, theirs };
}

/** Loads `body` into both with POST and makes it searchable. */
export async function loadBoth(twins: Twins, target: string, body: string | Uint8Array): Promise<void> {
  const answers = await askBoth(twins, target, { body });
  for (const { status, text } of [answers.ours, answers.theirs]) {
    if (status !== 204) throw new Error(`POST ${target}: status ${status}: ${text.slice(0, 300)}`);
  }
  await askBoth(twins, "/internal/force_flush");
}

/** What of an answer is compared. */
export interface Description {
  readonly status: number;
  /** "" when there is none. */
  readonly type: string;
  readonly body: string;
}

export function describe(answer: HttpAnswer): Description {
  const type = answer.headers["content-type"] ?? "";
  return { status: answer.status, type, body: normalize(answer.text, answer.status) };
}

/** Seconds within this distance of the present are the present: the answers do not come in the same millisecond. */
const NOW_SECONDS = 30;

function normalize(text: string, status: number): string {
  if (status >= 400) return normalizeError(text);
  const now = Date.now() / 1000;
  return text
    .replace(/,"stats":\{"seriesFetched": ?"\d+"(,"executionTimeMsec": ?\d+)?\}\}$/, "}")
    .replace('{"status":"success","isPartial":false,', '{"status":"success",')
    .replace(/\[(\d{10})(\.\d{1,3})?,/g, (whole, seconds: string, fraction: string | undefined) =>
      Math.abs(Number(seconds) - now) > NOW_SECONDS ? whole : `[now${fraction === undefined ? "" : ".fraction"},`,
    );
}

/** The keys of an error's JSON and its type; "text" for a line of text. */
function normalizeError(text: string): string {
  if (!text.startsWith("{")) return text.trim() === "" ? "" : "text";
  const error = JSON.parse(text) as Record<string, unknown>;
  const isNamed = typeof error["error"] === "string" && error["error"].length > 10;
  return `${Object.keys(error).join()} ${isNamed ? "says why" : "says nothing"}`;
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

/**
 * What differs first between two results whose series are matched by labels, values to a relative 1e-9; or null. Numbers that are
 * not farther apart than `noise` are equal too: what is left of a difference that should be 0.
 */
export function compareResults(ours: readonly Series[], theirs: readonly Series[], noise = 0): string | null {
  const key = ({ metric }: Series): string => JSON.stringify(Object.entries(metric).sort());
  const found = new Map(ours.map((series) => [key(series), series]));
  if (ours.length !== theirs.length) return `${ours.length} series, theirs ${theirs.length}`;
  for (const their of theirs) {
    const our = found.get(key(their));
    if (our === undefined) return `no series ${key(their)}`;
    const [ourPoints, theirPoints] = [pointsOf(our), pointsOf(their)];
    if (ourPoints.length !== theirPoints.length) {
      return `${key(their)}: ${ourPoints.length} points, theirs ${theirPoints.length}`;
    }
    for (const [i, [seconds, text]] of theirPoints.entries()) {
      const [ourSeconds, ourText] = ourPoints[i] as readonly [number, string];
      if (seconds !== ourSeconds || !isClose(ourText, text, noise)) {
        return `${key(their)}: [${ourSeconds}, ${ourText}], theirs [${seconds}, ${text}]`;
      }
    }
  }
  return null;
}

function pointsOf({ value, values }: Series): readonly (readonly [number, string])[] {
  return values ?? (value === undefined ? [] : [value]);
}

function isClose(a: string, b: string, noise: number): boolean {
  if (a === b) return true;
  const [x, y] = [Number(a), Number(b)];
  return Math.abs(x - y) <= Math.max(noise, 1e-9 * Math.max(Math.abs(x), Math.abs(y)));
}
