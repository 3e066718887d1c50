/**
 * Sends hostile bodies to a server and checks after every single one: a fitting status and never a 5xx, no crash, no hang,
 * earlier samples still there, the next good sample taken, memory bounded.
 */
import assert from "node:assert/strict";
import { type HttpAnswer, http } from "./http.ts";
import { type Nyanza, startNyanza } from "./nyanza.ts";
import { readMemory } from "./process.ts";
import { queryNumber } from "./query.ts";
import { remoteWrite, seriesOf } from "./remote-write.ts";
import type { Scope } from "./scope.ts";

/** What may come back: 4xx with a message, 2xx, or one of them. */
export type Wanted = "refused" | "taken" | "either";

export interface Case {
  readonly name: string;
  readonly wanted: Wanted;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string>>;

/** The body earns a 4xx. */
export function refused(name: string, body: Uint8Array | string, headers?: Headers): Case {
  return { name, wanted: "refused", body, ...(headers === undefined ? {} : { headers }) };
}

/** The body is taken, what is bad in it is left out. */
export function taken(name: string, body: Uint8Array | string, headers?: Headers): Case {
  return { ...refused(name, body, headers), wanted: "taken" };
}

/** One may argue; the rest must hold all the same. */
export function either(name: string, body: Uint8Array | string, headers?: Headers): Case {
  return { ...refused(name, body, headers), wanted: "either" };
}

/** Time of all samples of these tests. */
export const sampleMs: number = Date.UTC(2026, 3, 1);
/** When to ask for them: a second later. */
export const askSeconds: number = sampleMs / 1000 + 1;

export const caseMsMax = 10_000;

/** How far the most hostile body may push memory: the caps for bodies and lines, a few times over. */
const growthBytesMax = 400e6;

/** @returns the server, after all cases. `headers` are for cases that bring none. */
export async function attack(
  scope: Scope,
  path: string,
  cases: readonly Case[],
  headers: Headers = {},
): Promise<Nyanza> {
  const nyanza = await startNyanza(scope);
  const { url, process } = nyanza;
  let witnesses = 0;
  const checkWitnesses = async (name: string): Promise<void> => {
    const next = seriesOf("witness", { n: String(witnesses) }, [[sampleMs, witnesses]]);
    assert.equal((await remoteWrite(url, [next])).status, 204, `${name}: a good sample after it`);
    witnesses++;
    assert.equal(await queryNumber(url, "count(witness)", askSeconds), witnesses, `${name}: earlier samples`);
  };
  await checkWitnesses("at first");
  const quietBytes = readMemory(process.pid).residentBytes;
  for (const { name, wanted, body, headers: own } of cases) {
    const startedMs = performance.now();
    const answer = await http(url + path, { body, headers: own ?? headers }).catch((error: NodeJS.ErrnoException) => {
      // A body that is refused before it was read may end with a reset connection; a dead server may not.
      const reset = ["ECONNRESET", "EPIPE"].includes(error.code ?? "") && process.isRunning;
      assert.ok(reset, `${name}: ${error.message}\n${process.tail()}`);
      return null;
    });
    const tookMs = Math.round(performance.now() - startedMs);
    if (answer === null) assert.notEqual(wanted, "taken", `${name}: the connection was closed`);
    else checkStatus(name, wanted, answer);
    assert.ok(tookMs < caseMsMax, `${name}: took ${tookMs} ms`);
    assert.ok(process.isRunning, `${name}: the server died\n${process.tail()}`);
    await checkWitnesses(name);
    const grownBytes = readMemory(process.pid).peakBytes - quietBytes;
    assert.ok(grownBytes < growthBytesMax, `${name}: memory grew by ${Math.round(grownBytes / 1e6)} MB`);
  }
  const grownMegabytes = Math.round((readMemory(process.pid).peakBytes - quietBytes) / 1e6);
  console.log(`${cases.length} bodies, memory grew by ${grownMegabytes} MB at most`);
  return nyanza;
}

export function checkStatus(name: string, wanted: Wanted, { status, text }: HttpAnswer): void {
  const what = `${name}: status ${status}: ${text.slice(0, 200)}`;
  assert.ok(status >= 200 && status < 500, what);
  if (wanted === "taken") assert.ok(status < 300, what);
  if (wanted === "refused") {
    assert.ok(status >= 400, what);
    assert.ok(text.trim().length > 10, `${what}: says nothing`);
  }
}

/** Sum of `vm_rows_invalid_total` over its labels. */
export async function countInvalidRows(url: string): Promise<number> {
  const { text } = await http(`${url}/metrics`);
  let total = 0;
  for (const match of text.matchAll(/^vm_rows_invalid_total(?:\{.*\})? (\S+)$/gm)) total += Number(match[1]);
  return total;
}
