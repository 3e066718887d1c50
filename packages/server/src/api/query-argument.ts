/** The argument `query`, of every endpoint that takes one. */
import { InputError } from "@nyanza/tsdb";
import type { RequestArguments } from "../http/arguments.ts";

/** @throws InputError if there is none, or a longer one than the flag allows */
export function getQuery(args: RequestArguments, maxBytes: number): string {
  const text = args.get("query");
  if (text === "") throw new InputError("missing `query` arg");
  wantShortQuery(text, maxBytes);
  return text;
}

/** @throws InputError that names the flag */
export function wantShortQuery(text: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    throw new InputError(`too long query: ${bytes} bytes, at most ${maxBytes}; see the -search.maxQueryLen flag`);
  }
}
