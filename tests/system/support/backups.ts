/** `nyanza backup` and `nyanza restore` as their users run them, and an S3 server to go with them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { nyanzaProgram, projectRoot } from "./nyanza.ts";
import { freePort, type RunningProcess, runCommand, startProcess } from "./process.ts";
import type { Scope } from "./scope.ts";

/** Environment that lets a command in. */
export const s3Environment: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "secret",
};

/** Starts the S3 server of the backup room, with its bucket `backups`. Every `faultEvery`th request goes wrong; 0: none. Returns the endpoint. */
export async function startS3(scope: Scope, faultEvery = 0): Promise<string> {
  const port = await freePort();
  const program = join(projectRoot, "packages/server/dist/backup/s3-server.test.support.js");
  const url = `http://127.0.0.1:${port}`;
  await startProcess(scope, {
    command: process.execPath,
    args: [program, String(port), String(faultEvery)],
    ready: async () => (await fetch(url)).status === 403,
  });
  return url;
}

/** Runs a command to its end. */
export async function nyanza(scope: Scope, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return await runCommand(scope, process.execPath, [nyanzaProgram, ...args], { env: s3Environment });
}

/** Starts a command and does not wait. */
export async function startCommand(scope: Scope, args: readonly string[]): Promise<RunningProcess> {
  return await startProcess(scope, { command: process.execPath, args: [nyanzaProgram, ...args], env: s3Environment });
}

export interface BackupCounts {
  readonly files: number;
  readonly sent: number;
  readonly kept: number;
  readonly removed: number;
}

/** Runs a backup that must succeed; what its last line says. */
export async function backUp(scope: Scope, args: readonly string[]): Promise<BackupCounts> {
  const { code, output } = await nyanza(scope, ["backup", ...args]);
  assert.equal(code, 0, output);
  const match = /backed up (\d+) files.*\(sent (\d+) files.*kept (\d+), removed (\d+)\)/.exec(output);
  const [, files, sent, kept, removed] = (match ?? []).map(Number);
  assert.ok(match !== null, output);
  return { files: files as number, sent: sent as number, kept: kept as number, removed: removed as number };
}
