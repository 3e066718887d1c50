/**
 * /prettify-query and /expand-with-exprs: what becomes of a query's text. Neither reads data.
 *
 * A query that cannot be read is answered with status 200 and `"status":"error"`, as VictoriaMetrics does: its web page
 * and Grafana's plugin look at the body.
 */
import { InputError } from "@nyanza/tsdb";
import { optimize, parse, prettify, printExpr } from "@nyanza/tsdb/metricsql";
import type { Handlers, RequestContext } from "../http/context.ts";
import { jsonString } from "../http/json-string.ts";
import { sendBody } from "../http/response.ts";
import { wantShortQuery } from "./query-argument.ts";

export interface QueryTextOptions {
  readonly maxQueryBytes: number;
}

const JSON_TYPE = { contentType: "application/json" };

export function createQueryTextHandlers(
  options: QueryTextOptions,
): Pick<Handlers, "prettifyQuery" | "expandWithExprs"> {
  return {
    prettifyQuery: ({ args, request, response }) => {
      const query = args.get("query");
      wantShortQuery(query, options.maxQueryBytes);
      const outcome = attempt(() => prettify(query));
      const body =
        "error" in outcome
          ? `{"status":"error","msg":${jsonString(outcome.error)}}`
          : `{"status":"success","query":${jsonString(outcome.text)}}`;
      sendBody(request, response, JSON_TYPE, body);
    },
    expandWithExprs: (context) => {
      const query = context.args.get("query");
      wantShortQuery(query, options.maxQueryBytes);
      if (context.args.get("format") !== "json") {
        sendPage(context, query);
        return;
      }
      const outcome = query === "" ? { error: "query string cannot be empty" } : attempt(() => expand(query));
      const body =
        "error" in outcome
          ? `{"status":"error","error":${jsonString(outcome.error)}}`
          : `{"status":"success","expr":${jsonString(outcome.text)}}`;
      sendBody(context.request, context.response, JSON_TYPE, body);
    },
  };
}

type Outcome = { readonly text: string } | { readonly error: string };

function attempt(work: () => string): Outcome {
  try {
    return { text: work() };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { error: `cannot parse query: ${error.message}` };
  }
}

/** Templates expanded, constants folded, common filters where they save reading. */
function expand(query: string): string {
  return printExpr(optimize(parse(query)));
}

const PAGE = {
  contentType: "text/html; charset=utf-8",
  headers: {
    "Content-Security-Policy":
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  },
};

const EXAMPLE = `WITH (
  common = {job="node",instance=~"$node"},
  used(free, total) = (total{common} - free{common}) / total{common} * 100,
)
used(node_memory_MemFree_bytes, node_memory_MemTotal_bytes)`;

/** A form for people: the query on top, what it expands to below. */
function sendPage({ request, response }: RequestContext, query: string): void {
  const outcome: Outcome = query === "" ? { text: "" } : attempt(() => expand(query));
  const result = "error" in outcome ? outcome.error : outcome.text;
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Expand WITH expressions</title>
<style>body{font-family:sans-serif;margin:1em}textarea{width:90%;font-family:monospace;display:block;margin:.5em 0}</style>
<form><label>MetricsQL query with WITH templates
<textarea name="query" rows="14" spellcheck="false">
${escapeHtml(query)}</textarea></label><button>Expand</button>
<label><br>The same without them, as it is carried out
<textarea rows="6" readonly>
${escapeHtml(result)}</textarea></label></form>
<p>A template is a name, perhaps with arguments, for a part of a query that is written more than once:</p>
<pre>${escapeHtml(EXAMPLE)}</pre></html>
`;
  sendBody(request, response, PAGE, body);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
