/** `nyanza restore`: a backup → a database folder. Takes vmrestore's flags. */
import { resolve } from "node:path";
import { openStore } from "../backup/open-store.ts";
import { restoreFolder } from "../backup/restore.ts";
import { formatBytes, formatSeconds } from "../backup/transfers.ts";
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
import { createTransfers, STORE_FLAGS } from "./store-flags.ts";

const FLAGS = {
  ...COMMON_FLAGS,
  src: {
    type: "string",
    default: "",
    group: "Restore",
    description: "Where the backup is: fs:///absolute/path or s3://bucket/path",
  },
  storageDataPath: {
    type: "string",
    default: "victoria-metrics-data",
    group: "Restore",
    description:
      "Folder to restore into; made if missing. A database in it is made equal to the backup: what fits stays, what the backup does not have is deleted, snapshots are left alone. No server may have it open",
  },
  skipBackupCompleteCheck: {
    type: "bool",
    default: "false",
    group: "Restore",
    description: "Restore although the list that completes a backup is missing; what had not been sent is missing then",
  },
  ...STORE_FLAGS,
} as const satisfies FlagTable;

const COMMAND: CommandSpec<typeof FLAGS> = {
  name: "restore",
  flags: FLAGS,
  help: {
    title: "makes a database folder from a backup; every byte is checked",
    usage: "nyanza restore -src=... -storageDataPath=... [-flag=value ...]",
    examples: `  nyanza restore -src=fs:///mnt/backup/latest -storageDataPath=/var/lib/nyanza
  nyanza restore -src=s3://bucket/20261123 -storageDataPath=/var/lib/nyanza -maxBytesPerSecond=50MiB

Exit code 0: done. 1: failed or interrupted; the folder cannot be opened, run it again to go on.
2: the command line is wrong. 3: the backup is damaged.`,
  },
  run,
};

export function runRestore(args: readonly string[]): Promise<ExitCode> {
  return runCommand(COMMAND, args);
}

async function run({ flags, logger, signal }: CommandContext<typeof FLAGS>): Promise<ExitCode> {
  if (flags.src === "") throw new UsageError("want -src");
  const source = await openStore("src", flags.src, flags, signal);
  const startMs = Date.now();
  const report = await restoreFolder(source, resolve(flags.storageDataPath), createTransfers(flags, logger, signal), {
    needsList: !flags.skipBackupCompleteCheck,
  });
  const { files, bytes, keptFiles, fetchedBytes, removedFiles } = report;
  logger.info(
    `restored ${files} files, ${formatBytes(bytes)} from ${source.place} to ${resolve(flags.storageDataPath)} (fetched ${formatBytes(fetchedBytes)}; kept ${keptFiles} files, removed ${removedFiles}) in ${formatSeconds(Math.round((Date.now() - startMs) / 1000))}`,
  );
  return EXIT.ok;
}
