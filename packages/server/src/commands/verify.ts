/** `nyanza verify`: reads everything in a database folder and says of each file whether it is whole. */
import { resolve } from "node:path";
import { type FileReport, LockedError, verifyFolder } from "@nyanza/tsdb";
import { formatBytes } from "../backup/transfers.ts";
import type { FlagTable } from "../flags/parse.ts";
import { COMMON_FLAGS, type CommandContext, type CommandSpec, EXIT, type ExitCode, runCommand } from "./command.ts";

const FLAGS = {
  ...COMMON_FLAGS,
  storageDataPath: {
    type: "string",
    default: "victoria-metrics-data",
    group: "Verify",
    description:
      "Folder of the database, or of one of its snapshots. The database itself must not be in use; a snapshot can be read at any time",
  },
  format: {
    type: "string",
    default: "text",
    choices: ["text", "json"],
    group: "Verify",
    description: "What is printed to stdout: a line a file, or one JSON object at the end",
  },
} as const satisfies FlagTable;

const COMMAND: CommandSpec<typeof FLAGS> = {
  name: "verify",
  flags: FLAGS,
  help: {
    title: "reads everything in a database folder and says what is damaged; changes nothing",
    usage: "nyanza verify -storageDataPath=... [-flag=value ...]",
    examples: `  nyanza verify -storageDataPath=/var/lib/nyanza                              a database at rest
  nyanza verify -storageDataPath=/var/lib/nyanza/snapshots/20261123015840-19E8A3C0F21   of a running server
  nyanza verify -storageDataPath=/var/lib/nyanza -format=json | jq '.files[] | select(.problems != [])'

Exit code 0: everything is whole. 1: it could not be read, or is in use. 2: the command line is wrong.
3: something is damaged; nyanza repair saves the rest.`,
  },
  run,
};

/** Between two lines about progress. */
const PROGRESS_MS = 5_000;

export function runVerify(args: readonly string[]): Promise<ExitCode> {
  return runCommand(COMMAND, args);
}

async function run({ flags, logger, signal }: CommandContext<typeof FLAGS>): Promise<ExitCode> {
  const path = resolve(flags.storageDataPath);
  const isText = flags.format === "text";
  const files: FileReport[] = [];
  let toldMs = Date.now();
  const onFile = (file: FileReport, progress: { readonly filesDone: number; readonly files: number }): void => {
    if (isText) process.stdout.write(describe(file));
    else files.push(file);
    if (Date.now() - toldMs < PROGRESS_MS) return;
    toldMs = Date.now();
    logger.info(`${progress.filesDone} of ${progress.files} files read`);
  };
  let report: Awaited<ReturnType<typeof verifyFolder>>;
  try {
    report = await verifyFolder(path, { onFile, signal });
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new Error(
      `${error.message}. Stop it, or make a snapshot (/snapshot/create) and verify ${path}/snapshots/<name>`,
    );
  }
  const { damagedFiles, samples, series, bytes } = report;
  const verdict = damagedFiles === 0 ? "ok" : "damaged";
  if (!isText) process.stdout.write(`${JSON.stringify({ status: verdict, path, ...report, files })}\n`);
  logger.info(
    `${path}: ${verdict}: ${report.files} files, ${formatBytes(bytes)}, ${samples} samples, ${series} series${damagedFiles === 0 ? "" : `; ${damagedFiles} files are damaged`}`,
  );
  return damagedFiles === 0 ? EXIT.ok : EXIT.damaged;
}

function describe({ path, kind, bytes, samples, series, problems }: FileReport): string {
  const isDamaged = problems.some(({ isHarmless }) => !isHarmless);
  const what = kind === "index" ? `, ${series} series` : samples > 0 ? `, ${samples} samples` : "";
  const lines = [`${isDamaged ? "DAMAGED" : "ok"} ${path} (${kind}, ${formatBytes(bytes)}${what})`];
  for (const { offset, message, isHarmless } of problems) {
    lines.push(`  at byte ${offset}: ${message}${isHarmless ? " (a crash leaves that; nothing is lost)" : ""}`);
  }
  return `${lines.join("\n")}\n`;
}
