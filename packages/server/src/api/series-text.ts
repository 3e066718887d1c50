/**
 * Series names in Prometheus' text format, and what becomes of names that it once did not allow.
 *
 *   as they are    a.b{c.d="e"}            what VictoriaMetrics writes unless it is asked for more
 *   underscores    a_b{c_d="e"}            every reader knows it; two names may become one
 *   allow-utf-8    {"a.b","c.d"="e"}       quoted where they have to be: readers of Prometheus 3 and later
 */
import type { Labels } from "@nyanza/tsdb";

export type NameEscaping = "none" | "underscores" | "allow-utf-8";

/** `name{label="value"}`, with names as `escaping` says. */
export function formatSeriesName({ name, pairs }: Labels, escaping: NameEscaping = "none"): string {
  const isNameQuoted = escaping === "allow-utf-8" && name !== "" && !METRIC_NAME.test(name);
  const parts: string[] = isNameQuoted ? [quoteText(name)] : [];
  for (let i = 0; i < pairs.length; i += 2) {
    parts.push(`${formatLabelName(pairs[i] as string, escaping)}=${quoteText(pairs[i + 1] as string)}`);
  }
  const bareName = isNameQuoted ? "" : escaping === "underscores" ? underscored(name, METRIC_CHARACTER) : name;
  return parts.length === 0 && bareName !== "" ? bareName : `${bareName}{${parts.join(",")}}`;
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const METRIC_CHARACTER = /[^a-zA-Z0-9_:]/gu;
const LABEL_CHARACTER = /[^a-zA-Z0-9_]/gu;

function formatLabelName(name: string, escaping: NameEscaping): string {
  if (escaping === "none" || LABEL_NAME.test(name)) return name;
  return escaping === "underscores" ? underscored(name, LABEL_CHARACTER) : quoteText(name);
}

/** A digit cannot be the first. */
function underscored(name: string, forbidden: RegExp): string {
  return name.replace(forbidden, "_").replace(/^[0-9]/, "_");
}

function quoteText(text: string): string {
  return `"${text.replace(/["\\\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`))}"`;
}

/** What the reader's Accept asks for: of the text format's entries the one liked best; `none` if it says nothing of names. */
export function negotiateEscaping(accept: string | undefined): NameEscaping {
  let best: NameEscaping = "none";
  let bestQuality = 0;
  for (const item of (accept ?? "").split(",")) {
    const [type, ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
    if (type !== "text/plain" && type !== "text/*" && type !== "*/*") continue;
    const escaping = parameterOf(parameters, "escaping");
    const quality = Number(parameterOf(parameters, "q") ?? 1);
    // `dots` and `values` are answered with what everybody reads; the answer's content type says so.
    if (escaping === undefined || !(quality > bestQuality)) continue;
    best = escaping === "allow-utf-8" ? "allow-utf-8" : "underscores";
    bestQuality = quality;
  }
  return best;
}

function parameterOf(parameters: readonly string[], name: string): string | undefined {
  return parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
}
