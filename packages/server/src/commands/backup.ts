/**
 * `nyanza backup`: a database → a backup. Takes vmbackup's flags, and a shorter form: `-src` is a server or a folder.
 *
 *   -src=http://…  or  -snapshot.createURL=…   makes a snapshot, backs it up, deletes it
 *   -snapshotName=…                            backs up a snapshot that is there
 *   -src=/folder                               backs up a database nobody has open
 *   -origin alone                              copies a backup
 *   -verify                                    reads a backup back
 */
import { realpath, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { lockFolder } from "@nyanza/tsdb";
import { type BackupReport, backUpFolder, copyBackup } from "../backup/backup.ts";
import type { ObjectStore } from "../backup/object-store.ts";
import { openStore } from "../backup/open-store.ts";
import { addPath, createSnapshot, deleteSnapshot, findServerFolder, redactUrl } from "../backup/snapshot-api.ts";
import { holdSnapshot, takeAbandoned } from "../backup/snapshot-hold.ts";
import { formatBytes, formatSeconds, type Transfers } from "../backup/transfers.ts";
import { verifyBackup } from "../backup/verify.ts";
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
    group: "Backup",
    description:
      "What to back up: http://host:8428 makes a snapshot of the server there, whose data folder must be on this machine, and deletes it afterwards; /path/to/data is a database that nobody has open",
  },
  dst: {
    type: "string",
    default: "",
    group: "Backup",
    description:
      "Where to: fs:///absolute/path or s3://bucket/path. If a backup is there, it is replaced and only what is new is sent. One backup at a time to one place",
  },
  origin: {
    type: "string",
    default: "",
    group: "Backup",
    description:
      "A backup in the same store as -dst: what it has in common is copied inside the store. Without -src and the flags of snapshots it is copied as a whole",
  },
  verify: {
    type: "bool",
    default: "false",
    group: "Backup",
    description:
      "Read everything at -dst back and compare checksums; after the backup, or by itself if nothing is to be backed up",
  },
  storageDataPath: {
    type: "string",
    default: "victoria-metrics-data",
    group: "Backup",
    description: "The server's data folder, for snapshots; with -src=http://... it is asked of the server",
  },
  snapshotName: {
    type: "string",
    default: "",
    group: "Backup",
    description: "Back up this snapshot; it is not deleted",
  },
  "snapshot.createURL": {
    type: "string",
    default: "",
    group: "Backup",
    description: "Make a snapshot by this URL, such as http://127.0.0.1:8428/snapshot/create, and delete it afterwards",
  },
  "snapshot.deleteURL": {
    type: "string",
    default: "",
    group: "Backup",
    description: "Delete that snapshot by this URL; -snapshot.createURL with delete for create if not given",
  },
  ...STORE_FLAGS,
} as const satisfies FlagTable;

type Flags = CommandContext<typeof FLAGS>["flags"];

const COMMAND: CommandSpec<typeof FLAGS> = {
  name: "backup",
  flags: FLAGS,
  help: {
    title: "copies a database to a folder or an S3 bucket; what is there already is not sent again",
    usage: "nyanza backup -src=... -dst=... [-flag=value ...]",
    examples: `  nyanza backup -src=http://127.0.0.1:8428 -dst=fs:///mnt/backup/latest       a running server
  nyanza backup -src=/var/lib/nyanza -dst=s3://bucket/latest                  a database at rest
  nyanza backup -origin=s3://bucket/latest -dst=s3://bucket/20261123          keep a copy of the latest one
  nyanza backup -verify -dst=s3://bucket/latest                               can it be restored?
  nyanza backup -storageDataPath=/data -snapshot.createURL=http://127.0.0.1:8428/snapshot/create -dst=...   as vmbackup

Exit code 0: done. 1: failed or interrupted; the former backup is still whole, run it again to go on.
2: the command line is wrong. 3: -verify has found damage.`,
  },
  run,
};

export function runBackup(args: readonly string[]): Promise<ExitCode> {
  return runCommand(COMMAND, args);
}

async function run(context: CommandContext<typeof FLAGS>): Promise<ExitCode> {
  const { flags, logger, signal } = context;
  const source = chooseSource(context);
  const target = await openStore("dst", flags.dst, flags, signal);
  const origin = flags.origin === "" ? null : await openStore("origin", flags.origin, flags, signal);
  const transfers = createTransfers(flags, logger, signal);
  const startMs = Date.now();
  if (source !== "none" || origin !== null) {
    const report =
      source === "none"
        ? await copyBackup(origin as ObjectStore, target, transfers)
        : await backUp(source, context, target, origin, transfers);
    logger.info(`${describe(report)} to ${target.place} in ${seconds(startMs)}`);
  }
  return flags.verify ? await verify(target, context, transfers) : EXIT.ok;
}

type Source = "server" | "snapshot" | "folder" | "none";

/** @throws UsageError for flags that leave open what is meant */
function chooseSource({ flags, given }: CommandContext<typeof FLAGS>): Source {
  if (flags.dst === "") throw new UsageError("want -dst");
  const ways: Source[] = [];
  if (flags.src !== "") ways.push(/^https?:\/\//.test(flags.src) ? "server" : "folder");
  if (flags["snapshot.createURL"] !== "") ways.push("server");
  if (flags.snapshotName !== "") ways.push("snapshot");
  if (ways.length > 1) throw new UsageError("want one of -src, -snapshot.createURL and -snapshotName");
  if (ways.length === 0 && flags.origin === "" && !flags.verify) {
    throw new UsageError("want what to back up: -src, -snapshot.createURL, -snapshotName or -origin");
  }
  if (ways[0] === "folder" && given.has("storageDataPath"))
    throw new UsageError("want one of -src and -storageDataPath");
  if (/^(fs|s3):\/\//.test(flags.src))
    throw new UsageError("-src is a server or a folder; a backup is copied by -origin");
  return ways[0] ?? "none";
}

async function backUp(
  source: Source,
  context: CommandContext<typeof FLAGS>,
  target: ObjectStore,
  origin: ObjectStore | null,
  transfers: Transfers,
): Promise<BackupReport> {
  const { flags } = context;
  switch (source) {
    case "server":
      return await backUpServer(context, target, origin, transfers);
    case "snapshot": {
      if (!/^[0-9A-Za-z_-]+$/.test(flags.snapshotName))
        throw new UsageError("-snapshotName: want the name of a snapshot");
      const folder = await requireSnapshot(flags.storageDataPath, flags.snapshotName);
      await refuseInside(flags.storageDataPath, target);
      return await backUpFolder(folder, target, origin, transfers);
    }
    default: {
      await requireFolder(flags.src);
      await refuseInside(flags.src, target);
      const lock = await lockFolder(resolve(flags.src)).catch((error) => {
        throw new Error(`${(error as Error).message}; a running server is backed up by -src=http://...`);
      });
      try {
        return await backUpFolder(flags.src, target, origin, transfers);
      } finally {
        await lock.release();
      }
    }
  }
}

async function backUpServer(
  { flags, given, logger, signal }: CommandContext<typeof FLAGS>,
  target: ObjectStore,
  origin: ObjectStore | null,
  transfers: Transfers,
): Promise<BackupReport> {
  const { createUrl, deleteUrl } = snapshotUrls(flags);
  const isKnown = flags.src === "" || given.has("storageDataPath");
  const data = isKnown ? flags.storageDataPath : await findServerFolder(flags.src, signal);
  await requireFolder(data);
  await refuseInside(data, target);
  const drop = (name: string, whose: string): Promise<void> =>
    deleteSnapshot(deleteUrl, name).then(
      () => logger.info(`deleted snapshot ${name}${whose}`),
      (error) => logger.error(`cannot delete snapshot ${name}${whose}: ${(error as Error).message}`),
    );
  const abandoned = await takeAbandoned(data);
  for (const name of abandoned.names) await drop(name, ", which a killed backup has left");
  await abandoned.release();
  const name = await createSnapshot(createUrl, signal);
  logger.info(`made snapshot ${name} by ${redactUrl(createUrl)}`);
  const hold = await holdSnapshot(join(data, "snapshots", name));
  try {
    return await backUpFolder(await requireSnapshot(data, name), target, origin, transfers);
  } finally {
    // Not by `signal`: an interrupted backup must not leave a snapshot that keeps removed data on the disk.
    await drop(name, "");
    await hold?.release();
  }
}

function snapshotUrls(flags: Flags): { createUrl: string; deleteUrl: string } {
  const given = flags["snapshot.createURL"];
  try {
    const createUrl = new URL(given === "" ? addPath(flags.src, "snapshot/create") : given).href;
    const deleteUrl = new URL(flags["snapshot.deleteURL"] || createUrl.replace("/create", "/delete")).href;
    return { createUrl, deleteUrl };
  } catch {
    throw new UsageError("want URLs such as http://127.0.0.1:8428/snapshot/create");
  }
}

async function requireFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => null))?.isDirectory()) return;
  throw new Error(
    `${folder}: there is no such folder here: a backup is made on the machine that has the data (-storageDataPath says where they are)`,
  );
}

async function requireSnapshot(data: string, name: string): Promise<string> {
  const folder = join(data, "snapshots", name);
  if ((await stat(folder).catch(() => null))?.isDirectory()) return folder;
  throw new Error(`${folder}: there is no such snapshot: is ${data} the folder of this server (-storageDataPath)?`);
}

/** A backup inside of what it is made of would be lost with it, and be backed up itself the next time. */
async function refuseInside(folder: string, target: ObjectStore): Promise<void> {
  if (!target.place.startsWith("fs://")) return;
  const inner = await realOf(target.place.slice("fs://".length));
  const outer = await realpath(folder);
  if (inner === outer || inner.startsWith(outer + sep)) {
    throw new UsageError(`-dst: want a place outside of the data folder ${outer}`);
  }
}

/** The real path of what is there, followed by what is not there yet. */
async function realOf(path: string): Promise<string> {
  const real = await realpath(path).catch(() => null);
  if (real !== null || resolve(path, "..") === path) return real ?? path;
  return join(await realOf(resolve(path, "..")), path.slice(resolve(path, "..").length));
}

async function verify(
  target: ObjectStore,
  { logger }: CommandContext<typeof FLAGS>,
  transfers: Transfers,
): Promise<ExitCode> {
  const startMs = Date.now();
  const { files, bytes, damages } = await verifyBackup(target, transfers);
  for (const damage of damages) logger.error(damage);
  const what = `${files} files, ${formatBytes(bytes)}, read back in ${seconds(startMs)}`;
  if (damages.length === 0) logger.info(`the backup at ${target.place} is whole: ${what}`);
  else logger.error(`the backup at ${target.place} is damaged in ${damages.length} objects: ${what}`);
  return damages.length === 0 ? EXIT.ok : EXIT.damaged;
}

function describe(report: BackupReport): string {
  const { files, bytes, sentFiles, sentBytes, copiedFiles, copiedBytes, removedObjects } = report;
  const parts = [`sent ${sentFiles} files, ${formatBytes(sentBytes)}`];
  if (copiedFiles > 0) parts.push(`copied ${copiedFiles} files, ${formatBytes(copiedBytes)}`);
  parts.push(`kept ${files - sentFiles - copiedFiles}, removed ${removedObjects}`);
  return `backed up ${files} files, ${formatBytes(bytes)} (${parts.join("; ")})`;
}

function seconds(startMs: number): string {
  const s = (Date.now() - startMs) / 1000;
  return s < 60 ? `${s.toFixed(1)}s` : formatSeconds(Math.round(s));
}
