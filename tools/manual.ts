/**
 * docs/MetricsQL.md: the manual of both query languages. Its chapters are tools/manual/*.md, in order of their names; what it says of each
 * function and operator is the comment of that function's entry in the evaluator's tables.
 *
 *     npm run manual                        writes the page
 *     node tools/dist/manual.js --check     fails if the page is not what would be written
 *
 * Comments are found in the text of the sources, and which functions there are is asked of the tables as they run: a function without a
 * comment, or a comment without a function, is a failure, not a gap in the page.
 *
 * A chapter's line `<!-- functions -->` is replaced by the reference, `<!-- operators -->` by the tables of operators, `<!-- flags -->` by
 * the flags of queries, `<!-- contents -->` by links to all chapters.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "./project.ts";

const pagePath = join(projectRoot, "docs/MetricsQL.md");
const chaptersFolder = join(projectRoot, "tools/manual");
const tsdb = "packages/tsdb";

/** What an entry's comment says: `rate(m[d]): growth of a counter …`. */
export interface Said {
  readonly signature: string;
  readonly text: string;
}

/** One dialect's word on a function; null where it has none. */
interface Described {
  readonly name: string;
  readonly metricsql: Said | null;
  readonly promql: Said | null;
}

interface Family {
  readonly title: string;
  readonly intro: string;
  readonly owns: (name: string, kind: "window" | "aggregate" | "other") => boolean;
}

/** The sections of the reference. The first that owns a function has it. */
const families: readonly Family[] = [
  {
    title: "Samples in a window",
    intro:
      "`m[d]` is a selector or subquery with its window; in MetricsQL the window may be left out. A window without samples gives no value, and the name goes, where nothing else is said.",
    owns: (_, kind) => kind === "window",
  },
  {
    title: "Aggregates",
    intro:
      "Over the series of a group: `by (label, …)` and `without (label, …)` say what a group is, before or behind the arguments; without them all series are one. In MetricsQL `q, …` is one list of series or several, which are pooled, `limit N` behind it keeps N groups, and a point without a value counts for nothing; in PromQL NaN counts. Results have the labels of their group, and the name only if it is listed, where nothing else is said.",
    owns: (_, kind) => kind === "aggregate",
  },
  {
    title: "Histograms",
    intro:
      "Series that differ in `le` alone are the buckets of one histogram, cumulative; MetricsQL also takes `vmrange` buckets, each by itself. The result has neither `le` nor the name. Usually `rate` and `sum by (le, …)` come first: `histogram_quantile(0.99, sum by (le) (rate(m_bucket[5m])))`.",
    owns: (name) => /^histogram_|buckets/.test(name),
  },
  {
    title: "Labels",
    intro:
      "`__name__` is a label like any other. PromQL checks names of labels and refuses series that become equal; MetricsQL refuses them only in the answer.",
    owns: (name) => /^label|^(alias|drop_common_labels|info)$/.test(name),
  },
  {
    title: "Order",
    intro: "For instant queries, and with them at the top of the expression. In MetricsQL ranges are ordered too.",
    owns: (name) => /^sort|^limit_offset$/.test(name),
  },
  {
    title: "Times",
    intro: "Seconds since 1970, and dates in UTC.",
    owns: (name) =>
      /^(minute|hour|month|year|time|now|start|end|range|step|timezone_offset|start_timestamp)$|^days?_(of|in)_/.test(
        name,
      ),
  },
  {
    title: "The course of a series",
    intro:
      "MetricsQL only: these look at all points of the answer, not at samples, so they say something in range queries and subqueries.",
    owns: (name) => /^(range|running|keep|smooth)_|^(interpolate|remove_resets)$/.test(name),
  },
  {
    title: "Making and choosing series",
    intro: "",
    owns: (name) => /^(absent|scalar|vector|union|drop_empty_series|pi)$|^rand/.test(name),
  },
  {
    title: "Numbers",
    intro:
      "Point by point. The name goes where nothing else is said; in MetricsQL `keep_metric_names` keeps it, and NaN, which `sqrt(-1)` gives, is no value.",
    owns: (name) =>
      /^(abs|ceil|floor|round|sgn|clamp(_min|_max)?|(min|max)_of|exp|ln|log2|log10|sqrt|deg|rad|a?(sin|cos|tan)h?)$|^bitmap_/.test(
        name,
      ),
  },
];

interface FlagEntry {
  readonly group: string;
  readonly default: string;
  readonly description: string;
}

type Table = ReadonlyMap<string, unknown>;

export async function makeManual(): Promise<string> {
  const chapters = readdirSync(chaptersFolder)
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => readFileSync(join(chaptersFolder, name), "utf8").trim());
  const functions = await describeFunctions();
  let page = chapters.join("\n\n");
  const put = (mark: string, text: string): void => {
    if (page.split(`<!-- ${mark} -->`).length !== 2)
      throw new Error(`manual: want one <!-- ${mark} --> in the chapters`);
    page = page.replace(`<!-- ${mark} -->`, () => text);
  };
  put("operators", await printOperators());
  put("functions", printReference(functions));
  put("flags", await printFlags());
  put("contents", printContents(page));
  refuseEqualHeadings(page);
  return `${page}\n`;
}

async function describeFunctions(): Promise<Map<Family, Described[]>> {
  const query = `${tsdb}/src/query`;
  const rollups = await table("query/rollup/table.js", "ROLLUPS");
  const aggregates = await table("query/aggregate/table.js", "AGGREGATES");
  const transforms = await table("query/transform/table.js", "TRANSFORMS");
  const promRanges = await table("query/prom/range-functions.js", "rangeFunctions");
  const promAggregates = await table("query/prom/aggregates.js", "aggregateFunctions");
  const promOthers = new Map([
    ...(await table("query/prom/instant-functions.js", "instantFunctions")),
    ...(await table("query/prom/histogram.js", "histogramFunctions")),
  ]);
  const promKnown = await table("promql/functions.js", "promFunctions");
  // What the parser knows and no table computes is evaluated by itself; its comment is at the parser's entry.
  const promApart = new Map([...promKnown].filter(([name]) => !promRanges.has(name) && !promOthers.has(name)));

  const metricsqlSaid = new Map([
    ...readSaid([`${query}/rollup/table.ts`], rollups),
    ...readSaid([`${query}/aggregate/table.ts`], aggregates),
    ...readSaid(
      "math label histogram range time series".split(" ").map((name) => `${query}/transform/${name}-functions.ts`),
      transforms,
    ),
  ]);
  const prom = (names: string): string[] => names.split(" ").map((name) => `${query}/prom/${name}.ts`);
  const promqlSaid = new Map([
    ...readSaid(prom("rates over-time"), promRanges),
    ...readSaid(prom("aggregates"), promAggregates),
    ...readSaid(prom("instant-functions math-functions sorting label-functions time-functions histogram"), promOthers),
    ...readSaid([`${tsdb}/src/promql/functions.ts`], promApart),
  ]);
  const said = (list: ReadonlyMap<string, Said>, name: string, notes: readonly string[]): Said | null => {
    const found = list.get(name);
    if (found === undefined) return null;
    return { ...found, text: [found.text, ...notes].join(" ") };
  };
  const keeps = (entry: unknown): string[] => {
    const { flags, keepsName } = (entry ?? {}) as { flags?: { keepsName?: boolean }; keepsName?: boolean };
    return flags?.keepsName === true || keepsName === true ? ["Keeps the name."] : [];
  };

  const byFamily = new Map<Family, Described[]>(families.map((family) => [family, []]));
  for (const name of [...new Set([...metricsqlSaid.keys(), ...promqlSaid.keys()])].sort()) {
    const kind =
      rollups.has(name) || promRanges.has(name)
        ? "window"
        : aggregates.has(name) || promAggregates.has(name)
          ? "aggregate"
          : "other";
    const family = families.find(({ owns }) => owns(name, kind));
    if (family === undefined) throw new Error(`manual: ${name} belongs to no family`);
    const isExperimental = (promKnown.get(name) as { isExperimental?: boolean } | undefined)?.isExperimental === true;
    byFamily.get(family)?.push({
      name,
      metricsql: said(metricsqlSaid, name, keeps(rollups.get(name))),
      promql: said(promqlSaid, name, [
        ...keeps(promRanges.get(name)),
        ...(isExperimental ? ["Experimental in Prometheus."] : []),
      ]),
    });
  }
  return byFamily;
}

/** The comments of the entries of `table`, which are in one or several files. @throws Error for a missing one, and for one too many */
function readSaid(paths: readonly string[], table: Table): Map<string, Said> {
  const said = new Map<string, Said>();
  for (const path of paths) {
    for (const [name, comment] of readEntryComments(readFileSync(join(projectRoot, path), "utf8"))) {
      if (said.has(name)) throw new Error(`manual: ${path}: ${name} has a comment already`);
      if (!table.has(name)) throw new Error(`manual: ${path}: a comment of ${name}, which is no entry of the table`);
      said.set(name, readComment(name, comment, path));
    }
  }
  const silent = [...table.keys()].filter((name) => !said.has(name));
  if (silent.length > 0) throw new Error(`manual: ${paths.join(", ")}: nothing is said of ${silent.join(", ")}`);
  return said;
}

/**
 * Name → comment of the entries of a table: what stands two spaces in, as all tables have it, right before `name: …`, `["name", …` or the
 * same begun on a line of its own.
 */
export function readEntryComments(source: string): [name: string, comment: string][] {
  const entry = /^ {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n {2}(?:(\w+): |\["([^"]+)",|\[\n {4}"([^"]+)",)/gm;
  return [...source.matchAll(entry)].map(([, comment = "", key, inline, below]) => [
    (key ?? inline ?? below) as string,
    comment
      .replace(/^ *\* ?/gm, "")
      .replace(/\s+/g, " ")
      .trim(),
  ]);
}

/** `name(args): text`, or of an operator `a op b: text`. @throws Error for anything else */
export function readComment(name: string, comment: string, path: string): Said {
  const colon = comment.indexOf(": ");
  const signature = comment.slice(0, colon);
  const text = comment.slice(colon + 2);
  const isCall = signature.startsWith(`${name}(`) && signature.endsWith(")");
  if (colon < 0 || text === "" || (!isCall && signature !== `a ${name} b`)) {
    throw new Error(`manual: ${path}: want "${name}(arguments): what it gives" or "a ${name} b: …", got "${comment}"`);
  }
  return { signature, text: `${text[0]?.toUpperCase()}${text.slice(1)}` };
}

function printReference(byFamily: ReadonlyMap<Family, readonly Described[]>): string {
  const lines: string[] = [];
  for (const [{ title, intro }, list] of byFamily) {
    lines.push(`### ${title}`, "");
    if (intro !== "") lines.push(intro, "");
    lines.push(list.map(({ name }) => `[${name}](#${anchorOf(name)})`).join(" · "), "");
    for (const { name, metricsql, promql } of list) {
      lines.push(`#### ${name}`, "");
      // The same words are said once.
      if (metricsql?.text === promql?.text && metricsql?.signature === promql?.signature) {
        lines.push(`Both: ${printSaid(metricsql as Said)}`, "");
        continue;
      }
      if (metricsql !== null) lines.push(`MetricsQL: ${printSaid(metricsql)}`, "");
      if (promql !== null) lines.push(`PromQL: ${printSaid(promql)}`, "");
    }
  }
  return lines.join("\n").trimEnd();
}

function printSaid({ signature, text }: Said): string {
  return `\`${signature}\`. ${text}`;
}

async function printOperators(): Promise<string> {
  const query = `${tsdb}/src/query`;
  const metricsql = readSaid(
    [`${query}/binary/operators.ts`, `${query}/binary/sets.ts`],
    new Map([
      ...(await table("query/binary/operators.js", "ARITHMETIC")),
      ...(await table("query/binary/operators.js", "COMPARISONS")),
      ...(await table("query/binary/sets.js", "SET_OPERATORS")),
    ]),
  );
  const promql = readSaid(
    [`${query}/prom/column-operators.ts`, `${query}/prom/set-operators.ts`],
    new Map([
      ...(await table("query/prom/column-operators.js", "ARITHMETIC")),
      ...(await table("query/prom/column-operators.js", "COMPARISONS")),
      ...(await table("query/prom/set-operators.js", "SET_OPERATORS")),
    ]),
  );
  const lines = ["| | MetricsQL | PromQL |", "|---|---|---|"];
  for (const [name, said] of metricsql) {
    lines.push(`| \`${name}\` | ${said.text} | ${promql.get(name)?.text ?? "not there"} |`);
  }
  return lines.join("\n");
}

async function printFlags(): Promise<string> {
  const { FLAGS } = await compiled<{ FLAGS: Readonly<Record<string, FlagEntry>> }>(
    "packages/server/dist/flags/table.js",
  );
  const lines = ["| flag | if not given | |", "|---|---|---|"];
  for (const [name, flag] of Object.entries(FLAGS)) {
    if (flag.group === "Queries") lines.push(`| \`-${name}\` | ${flag.default} | ${flag.description} |`);
  }
  if (lines.length < 10) throw new Error("manual: saw hardly any flags of the group Queries");
  return lines.join("\n");
}

function printContents(page: string): string {
  const titles = [...withoutFences(page).matchAll(/^(##|###) (.+)$/gm)];
  return titles
    .map(([, level, title = ""]) => `${level === "##" ? "" : "  "}- [${title}](#${anchorOf(title)})`)
    .join("\n");
}

/** As GitHub makes them from headings. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
}

/** The second of two equal headings would get another anchor than the links here expect. */
function refuseEqualHeadings(page: string): void {
  const seen = new Set<string>();
  for (const [, heading = ""] of withoutFences(page).matchAll(/^#+ (.+)$/gm)) {
    const anchor = anchorOf(heading);
    if (seen.has(anchor)) throw new Error(`manual: two headings "${heading}"`);
    seen.add(anchor);
  }
}

function withoutFences(page: string): string {
  return page.replace(/^```[\s\S]*?^```/gm, "");
}

async function table(path: string, name: string): Promise<Table> {
  const found = (await compiled<Readonly<Record<string, unknown>>>(`${tsdb}/dist/${path}`))[name];
  if (!(found instanceof Map) || found.size === 0) throw new Error(`manual: want a table ${name} in ${path}`);
  return found;
}

async function compiled<T>(path: string): Promise<T> {
  return (await import(pathToFileURL(join(projectRoot, path)).href)) as T;
}

async function main(args: readonly string[]): Promise<number> {
  const page = await makeManual();
  if (!args.includes("--check")) {
    writeFileSync(pagePath, page);
    console.log(`manual: wrote docs/MetricsQL.md, ${page.split("\n").length} lines`);
    return 0;
  }
  if (page === readFileSync(pagePath, "utf8")) return 0;
  console.error("manual: docs/MetricsQL.md is not what the comments and chapters say now; npm run manual");
  return 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
