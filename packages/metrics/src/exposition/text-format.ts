/** Prometheus' text format 0.0.4. */
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
      text +=
        labels === ""
          ? `${family.name}${suffix} ${formatValue(value)}\n`
          : `${family.name}${suffix}{${labels}} ${formatValue(value)}\n`;
    }
  }
  return text;
}

/** The shortest decimal that reads back as the same float64; infinities and NaN as the formats spell them. */
export function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

function writeMetadata(family: Family): string {
  const help = family.help === "" ? "" : `# HELP ${family.name} ${escapeHelp(family.help)}\n`;
  return `${help}# TYPE ${family.name} ${family.type === "unknown" ? "untyped" : family.type}\n`;
}

function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (char) => (char === "\n" ? "\\n" : "\\\\"));
}
