/**
 * Prometheus' text format 0.0.4.
 *
 * A histogram with `vmrange` buckets stands under `# TYPE … histogram` here, as VictoriaMetrics' own programs write it: promtool has
 * nothing to say about that (about a summary or a gauge with `_bucket` samples it has), Prometheus stores the samples as they are, and
 * VictoriaMetrics reads the type for its metadata. In OpenMetrics, whose rules say what a histogram's buckets are, it is `unknown`.
 */
import type { Family } from "./family.ts";

export interface TextOptions {
  /** `# HELP` and `# TYPE` lines before each family. */
  readonly metadata: boolean;
}

export const TEXT_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** `families` in their order, each name at most once. A family without samples is left out. */
export function writeText(families: Iterable<Family>, options: TextOptions): string {
  let text = "";
  for (const family of families) {
    if (family.samples.length === 0) continue;
    if (options.metadata) text += writeMetadata(family);
    for (const { suffix, labels, value } of family.samples) {
      text += formatSample(suffix === "" ? family.name : family.name + suffix, labels, value);
    }
  }
  return text;
}

/** One line, its line feed included. */
export function formatSample(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${formatValue(value)}\n` : `${name}{${labels}} ${formatValue(value)}\n`;
}

/** The shortest decimal that reads back as the same float64; infinities and NaN as the formats spell them. */
export function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  return String(value);
}

function writeMetadata(family: Family): string {
  const help = family.help === "" ? "" : `# HELP ${family.name} ${escapeHelp(family.help)}\n`;
  return `${help}# TYPE ${family.name} ${family.type === "unknown" ? "untyped" : family.type}\n`;
}

function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (char) => (char === "\n" ? "\\n" : "\\\\"));
}
