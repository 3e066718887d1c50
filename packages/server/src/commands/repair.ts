/** `nyanza repair`: what is whole of a damaged database → a new database. */
import { resolve } from "node:path";
import { repairFolder } from "@nyanza/tsdb";
import type { FlagTable } from "../flags/parse.ts";
import {
  COMMON_FLAGS,
  type CommandContext,
  type CommandSpec,
  EXIT,
  type ExitCode,
  runCommand,
  UsageError,
} from "./command.ts";

const FLAGS = {
  ...COMMON_FLAGS,
  src: {
    type: "string",
    default: "",
    group: "Repair",
    description: "Folder of the damaged database, which no server may have open. It is read only, and stays as it is",
  },
  dst: {
    type: "string",
    default: "",
    group: "Repair",
    description: "Folder of the new database; empty, or made",
  },
} as const satisfies FlagTable;

const COMMAND: CommandSpec<typeof FLAGS> = {
  name: "repair",
  flags: FLAGS,
  help: {
    title: "salvages what is whole of a damaged database into a new one, and says what is lost",
    usage: "nyanza repair -src=... -dst=... [-flag=value ...]",
    examples: `  nyanza repair -src=/var/lib/nyanza -dst=/var/lib/nyanza-repaired
  nyanza verify -storageDataPath=/var/lib/nyanza-repaired

Whole blocks of damaged files, good records of a damaged log, and everything else is saved; what was deleted stays deleted.
It is read and written anew: there must be room for both. Keep the source until you have looked at the result.

Exit code 0: done; what is lost is printed. 1: failed or interrupted: empty -dst and run it again. 2: the command line is wrong.`,
  },
  run,
};

/** Between two lines about progress. */
const PROGRESS_MS = 5_000;

export function runRepair(args: readonly string[]): Promise<ExitCode> {
  return runCommand(COMMAND, args);
}

async function run({ flags, logger, signal }: CommandContext<typeof FLAGS>): Promise<ExitCode> {
  if (flags.src === "" || flags.dst === "") throw new UsageError("want -src and -dst");
  const target = resolve(flags.dst);
  let toldMs = Date.now();
  const onProgress = (samples: number): void => {
    if (Date.now() - toldMs < PROGRESS_MS) return;
    toldMs = Date.now();
    logger.info(`${samples} samples salvaged so far`);
  };
  const report = await repairFolder(resolve(flags.src), target, { logger, onProgress, signal });
  const { losses, samples, series } = report;
  process.stdout.write(
    losses.length === 0 ? "nothing is lost\n" : `lost:\n${losses.map((loss) => `  ${loss}\n`).join("")}`,
  );
  logger.info(`salvaged ${samples} samples of ${series} series into ${target}`);
  return EXIT.ok;
}
