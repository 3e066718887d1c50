import type { Attributes } from "@opentelemetry/api";
import { BoundedTable } from "./bounded-table.ts";

/** The path of requests that no route has matched. It has its place whatever came before. */
export const UNMATCHED = "(unmatched)";

/** RFC 9110's methods, and PATCH and QUERY. Anybody can send another one: those are all `_OTHER`, as OpenTelemetry folds them. */
const METHODS: readonly string[] = [
  "_OTHER",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "QUERY",
];

/** In both spellings: `fetch` leaves some methods as they were written. */
const methodIndexes = new Map<unknown, number>(
  METHODS.flatMap((method, index) => [
    [method, index],
    [method.toLowerCase(), index],
  ]),
);

/** `GET` for `GET` and `get`, `_OTHER` for a method no standard knows and for what is no text. */
export function foldMethod(method: unknown): string {
  return METHODS[methodIndexes.get(method) ?? 0] as string;
}

/** A status of three digits as it is, else 0: no status, or none that HTTP knows. */
export function foldStatus(status: unknown): number {
  return typeof status === "number" && status >= 100 && status <= 999 && Number.isInteger(status) ? status : 0;
}

/**
 * The attributes of a request, made once for each (method, path, status) that occurs. Making them anew costs little, but the same
 * object again and again is no garbage, and a path's entry is where the number of paths is bounded.
 */
export class RequestAttributes {
  readonly #byPath: BoundedTable<RequestsOfPath>;

  constructor(pathsMax: number) {
    this.#byPath = new BoundedTable(pathsMax + 1, (path) => new RequestsOfPath(path));
    this.#byPath.get(UNMATCHED);
  }

  /** Never throws, whatever it is given. The answer is shared: not to be changed. */
  get(method: unknown, path: unknown, status: unknown): Attributes {
    const requests = this.#byPath.get(path);
    const methodIndex = methodIndexes.get(method) ?? 0;
    const statusCode = foldStatus(status);
    const key = methodIndex * 1000 + statusCode;
    let attributes = requests.get(key);
    if (attributes === undefined) {
      attributes = { method: METHODS[methodIndex] as string, path: requests.path, status_code: statusCode };
      requests.set(key, attributes);
    }
    return attributes;
  }

  /** Whether this path has been seen and has attributes of its own. */
  knows(path: unknown): boolean {
    return this.#byPath.has(path);
  }
}

class RequestsOfPath extends Map<number, Attributes> {
  readonly path: string;

  constructor(path: string) {
    super();
    this.path = path;
  }
}
