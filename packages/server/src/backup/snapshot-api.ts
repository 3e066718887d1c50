/** Snapshots of a running server, by its HTTP API: ours or VictoriaMetrics'. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/** A snapshot waits for a flush of what is in memory. */
const TIMEOUT_MS = 120_000;
const ANSWER_BYTES_MAX = 16 << 20;
/** The one metric that has the folder as the server sees it. */
const PATH_METRIC = /^vm_free_disk_space_bytes\{path=("(?:[^"\\]|\\.)*")\}/m;

/** Makes a snapshot and returns its name. @throws Error saying what the server answered */
export async function createSnapshot(createUrl: string, signal: AbortSignal): Promise<string> {
  const name = (await getJson(createUrl, signal))["snapshot"];
  // It becomes part of a path.
  if (typeof name !== "string" || !/^[0-9A-Za-z_-]+$/.test(name)) {
    throw new Error(`${redactUrl(createUrl)}: want the name of a snapshot, got ${JSON.stringify(name)}`);
  }
  return name;
}

export async function deleteSnapshot(deleteUrl: string, name: string): Promise<void> {
  const url = new URL(deleteUrl);
  url.searchParams.set("snapshot", name);
  await getJson(url.href, AbortSignal.timeout(TIMEOUT_MS));
}

/** The data folder of the server at `baseUrl`, as its own metrics have it. @throws Error if they do not say */
export async function findServerFolder(baseUrl: string, signal: AbortSignal): Promise<string> {
  const url = addPath(baseUrl, "metrics");
  const match = PATH_METRIC.exec(await get(url, signal));
  if (match === null) throw new Error(`${redactUrl(url)} does not say where the data are: give -storageDataPath`);
  return JSON.parse(match[1] as string) as string;
}

/** `http://host:8428/prefix` and `snapshot/create` → their URL, with the arguments of the former. */
export function addPath(baseUrl: string, path: string): string {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  return url.href;
}

/** For messages: without passwords and keys. */
export function redactUrl(text: string): string {
  const url = new URL(text);
  if (url.password !== "") url.password = "xxxxx";
  for (const key of [...url.searchParams.keys()])
    if (/key|pass|token|secret/i.test(key)) url.searchParams.set(key, "xxxxx");
  return url.href;
}

async function getJson(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const text = await get(url, signal);
  let answer: Record<string, unknown> | null;
  try {
    answer = JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    answer = null;
  }
  if (answer === null || typeof answer !== "object" || answer["status"] !== "ok") {
    throw new Error(`${redactUrl(url)}: ${describe(answer) ?? JSON.stringify(text.slice(0, 500))}`);
  }
  return answer;
}

function describe(answer: Record<string, unknown> | null): string | null {
  return typeof answer?.["msg"] === "string" ? answer["msg"] : null;
}

/** The body of any answer whose status is 200, or 500 as JSON. */
function get(url: string, signal: AbortSignal): Promise<string> {
  const { protocol, username, password } = new URL(url);
  const send = protocol === "https:" ? httpsRequest : httpRequest;
  const auth = username === "" ? {} : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => reject(new Error(`${redactUrl(url)}: ${message}`));
    const request = send(url, { signal, timeout: TIMEOUT_MS, ...auth }, (response) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      response.on("data", (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > ANSWER_BYTES_MAX) response.destroy(new Error("the answer is too long"));
        else pieces.push(piece);
      });
      response.on("error", (error) => fail(error.message));
      response.on("end", () => {
        const text = Buffer.concat(pieces).toString("utf8");
        if (response.statusCode === 200 || text.startsWith("{")) resolve(text);
        else fail(`status ${response.statusCode}: ${text.slice(0, 500)}`);
      });
    });
    request.on("timeout", () => request.destroy(new Error(`no answer for ${TIMEOUT_MS / 1000} seconds`)));
    request.on("error", (error) => (signal.aborted ? reject(signal.reason) : fail(error.message)));
    request.end();
  });
}
