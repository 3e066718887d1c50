/**
 * One row a request, asked of both: status, content type and body must be equal, byte for byte but for what twins.ts takes out; or
 * differ as the row says. A row whose answers are equal in spite of its difference fails, so that the list only shrinks.
 */
import assert from "node:assert/strict";
import { API_DIFFERENCES, type ApiDifference } from "./api-differences.ts";
import type { HttpAnswer } from "./http.ts";
import { askBoth, type Description, describe, type Twins } from "./twins.ts";

export type Value = string | number;
export type Arguments = Readonly<Record<string, Value | readonly Value[]>>;

export interface Difference {
  readonly about: ApiDifference;
  /** Status of our answer, when not theirs. */
  readonly status?: number;
  /** Whole body of our answer, or what must be in it, when not theirs. */
  readonly body?: string | RegExp;
  readonly type?: string;
}

export type Row = readonly [target: string, args: Arguments, difference?: Difference];

/** What twins.ts leaves of an error as JSON. */
export const ERROR = "status,errorType,error says why";
export const JSON_TYPE = "application/json";
export const TEXT_TYPE = "text/plain; charset=utf-8";

export const QUERY = "/api/v1/query";
export const RANGE = "/api/v1/query_range";
export const SERIES = "/api/v1/series";
export const LABELS = "/api/v1/labels";
export const EXPORT = "/api/v1/export";
export const CSV = "/api/v1/export/csv";
export const FEDERATE = "/federate";

/** Arguments that are wrong are told from queries that fail. */
export const today400: Difference = { about: API_DIFFERENCES.badArguments, status: 400 };
export const rawType: Difference = { about: API_DIFFERENCES.rawType, type: JSON_TYPE };

/** An answer that 1.79.5 refuses to give, or gives otherwise. */
export function newer(about: ApiDifference, body: string | RegExp): Difference {
  return { about, status: 200, type: JSON_TYPE, body };
}

export function encode(args: Arguments): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(args)) {
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  return search.toString();
}

/** One line for each row that is not as it should be. */
export async function check(
  servers: Twins,
  rows: readonly Row[],
  prepare: (text: string) => string = (text) => text,
): Promise<void> {
  const problems: string[] = [];
  for (const [target, args, difference] of rows) {
    const search = encode(args);
    const both = await askBoth(servers, search === "" ? target : `${target}?${search}`);
    const problem = compare(both, difference, prepare);
    if (problem !== null) problems.push(`${target} ${JSON.stringify(args)}: ${problem}`);
  }
  assert.equal(problems.length, 0, `${problems.length} of ${rows.length} requests:\n${problems.join("\n")}`);
}

/** What is wrong, or null. */
export function compare(
  both: { readonly ours: HttpAnswer; readonly theirs: HttpAnswer },
  difference: Difference | undefined,
  prepare: (text: string) => string,
): string | null {
  const [ours, theirs] = [both.ours, both.theirs].map((answer): Description => {
    const whole = describe(answer);
    return { ...whole, body: prepare(sortLabels(whole.body)) };
  }) as [Description, Description];
  const isEqual = ours.status === theirs.status && ours.type === theirs.type && ours.body === theirs.body;
  if (difference === undefined) {
    return isEqual ? null : show(ours, theirs, both);
  }
  if (isEqual) return `equal by now, although: ${difference.about.reason}`;
  const wanted = { ...theirs, ...(difference.status === undefined ? {} : { status: difference.status }) };
  const isBody =
    difference.body === undefined
      ? ours.body === theirs.body
      : typeof difference.body === "string"
        ? ours.body === difference.body
        : difference.body.test(ours.body);
  if (ours.status === wanted.status && ours.type === (difference.type ?? wanted.type) && isBody) return null;
  return `(${difference.about.reason})${show(ours, theirs, both)}`;
}

/** Labels in the order of their names: /series and /export of VictoriaMetrics have job and instance before the rest. */
export function sortLabels(text: string): string {
  const quoted = /"(?:[^"\\]|\\.)*"/.source;
  const json = new RegExp(`\\{${quoted}:${quoted}(?:,${quoted}:${quoted})*\\}`, "g");
  const prometheus = new RegExp(`\\{[^"={}]+=${quoted}(?:,[^"={}]+=${quoted})*\\}`, "g");
  const sort = (labels: string): string =>
    `{${labels
      .slice(1, -1)
      .split(/(?<="),(?=[^,])/)
      .sort()
      .join()}}`;
  return text.replace(json, sort).replace(prometheus, sort);
}

/** Both answers, from a little before the first difference on. */
function show(
  ours: Description,
  theirs: Description,
  both: { readonly ours: HttpAnswer; readonly theirs: HttpAnswer },
): string {
  let at = 0;
  while (at < ours.body.length && ours.body[at] === theirs.body[at]) at++;
  const line = ({ status, type, body }: Description, { text }: HttpAnswer): string => {
    const why = status >= 400 ? ` (${text.slice(0, 200).trim()})` : "";
    return `${status} ${type} ${at > 100 ? "…" : ""}${body.slice(at > 100 ? at - 60 : 0, at + 200)}${why}`;
  };
  return `\n    ours   ${line(ours, both.ours)}\n    theirs ${line(theirs, both.theirs)}`;
}

/** Series are exported as they come: order of lines, and of series in one line, is nobody's promise. */
export function sortLines(text: string): string {
  return text
    .replace(
      /^(\{"status":"success","data":\{"resultType":"matrix","result":\[)(.*)(\]\}\})$/s,
      (_, head, series: string, foot) =>
        head +
        series
          .split(/(?<=\]\]\}),/)
          .sort()
          .join() +
        foot,
    )
    .split("\n")
    .sort()
    .join("\n");
}

/** /api/v1/series has no order. */
export function sortData(text: string): string {
  return text.replace(/(?<="data":\[)\{.*\}(?=\])/s, (series) =>
    series
      .split(/(?<=\}),/)
      .sort()
      .join(),
  );
}
