/** What -help prints: examples first, then flags by group with type and default. */
import type { FlagSpec, FlagTable } from "./parse.ts";

/** What is above the flags. */
export interface HelpText {
  readonly title: string;
  readonly usage: string;
  /** Lines, indented. */
  readonly examples: string;
}

const SERVER: HelpText = {
  title: "a time series database that speaks VictoriaMetrics",
  usage: "nyanza [-flag=value ...]",
  examples: `  nyanza                                                    store in ./victoria-metrics-data, listen at :8428
  nyanza -storageDataPath=/var/lib/nyanza -retentionPeriod=1y
  nyanza -httpListenAddr=127.0.0.1:8428 -wal.fsync=always   lose nothing, not even in a power cut
  nyanza -envflag.enable -envflag.prefix=NYANZA_            flags from NYANZA_storageDataPath=... and so on`,
};

const WIDTH = 100;

/** `more` are paragraphs between the examples and the flags. */
export function formatHelp(
  table: FlagTable,
  version: string,
  text: HelpText = SERVER,
  more: readonly string[] = [],
): string {
  const groups = new Map<string, string[]>();
  for (const [name, spec] of Object.entries(table)) {
    const lines = groups.get(spec.group) ?? [];
    lines.push(formatFlag(name, spec));
    groups.set(spec.group, lines);
  }
  const parts = [
    `nyanza ${version}: ${text.title}`,
    `Usage: ${text.usage}`,
    `Examples:\n${text.examples}`,
    ...more,
    ...[...groups].map(([group, lines]) => `${group}:\n${lines.join("\n")}`),
  ];
  return `${parts.join("\n\n")}\n`;
}

function formatFlag(name: string, spec: FlagSpec): string {
  const kind = spec.type === "bool" ? "" : ` ${spec.choices === undefined ? spec.type : spec.choices.join("|")}`;
  const isPlain = spec.default === "" || (spec.type === "bool" && spec.default === "false");
  const text = isPlain ? spec.description : `${spec.description} (default ${spec.default})`;
  return `  -${name}${kind}\n${wrap(text, "      ")}`;
}

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(indent + line);
  return lines.join("\n");
}
