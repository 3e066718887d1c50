/**
 * A program started by a test: waited for until it is ready, ended by its id when the scope ends, its output kept for the message
 * of a failure.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Scope } from "./scope.ts";

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** True for a program that starts others: signals then go to all of them. */
  readonly group?: boolean;
  /** Asked every 50 ms until it says true; a rejection means not yet. */
  readonly ready?: () => Promise<boolean>;
  /** How long `ready` may take, in ms. */
  readonly readyMsMax?: number;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const outputCharsMax = 1 << 20;

export class RunningProcess {
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  private readonly child: ChildProcess;
  private readonly group: boolean;
  private text = "";
  private status: ExitStatus | null = null;

  constructor(child: ChildProcess, group: boolean) {
    this.child = child;
    this.group = group;
    this.pid = child.pid ?? 0;
    const append = (chunk: Buffer): void => {
      this.text = (this.text + chunk.toString()).slice(-outputCharsMax);
    };
    child.stdout?.on("data", append);
    child.stderr?.on("data", append);
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.status ??= { code, signal };
        resolve(this.status);
      };
      child.once("error", (error) => {
        this.text += `${error.message}\n`;
        end(127, null);
      });
      child.once("close", end);
    });
  }

  /** What it printed, stdout and stderr as they came; the last megabyte. */
  get output(): string {
    return this.text;
  }

  get isRunning(): boolean {
    return this.status === null;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.isRunning || this.pid === 0) return;
    if (this.group) process.kill(-this.pid, name);
    else this.child.kill(name);
  }

  /** Asks it to end with SIGTERM and waits; after `msMax` ms it is killed and the promise rejects. */
  async stop(msMax = 20_000): Promise<ExitStatus> {
    this.signal("SIGTERM");
    const status = await Promise.race([this.exited, sleep(msMax, null, { ref: false })]);
    if (status !== null) return status;
    await this.kill();
    throw new Error(`${this.child.spawnfile} did not end within ${msMax} ms of SIGTERM\n${this.tail()}`);
  }

  /** kill -9. */
  async kill(): Promise<ExitStatus> {
    this.signal("SIGKILL");
    return await this.exited;
  }

  /** The last lines of output, for messages. */
  tail(): string {
    return this.text.split("\n").slice(-30).join("\n");
  }
}

/**
 * Starts a program and waits until it is ready.
 * @throws Error with its output when it ends first or is not ready in time.
 */
export async function startProcess(scope: Scope, options: ProcessOptions): Promise<RunningProcess> {
  const child = spawn(options.command, options.args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    detached: options.group === true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const running = new RunningProcess(child, options.group === true);
  scope.onEnd(async () => {
    await running.kill();
  });
  const deadline = performance.now() + (options.readyMsMax ?? 30_000);
  while (options.ready !== undefined) {
    if (!running.isRunning) {
      const { code, signal } = await running.exited;
      throw new Error(`${options.command} ended (${signal ?? code}) before it was ready\n${running.tail()}`);
    }
    if (await options.ready().catch(() => false)) break;
    if (performance.now() > deadline) throw new Error(`${options.command} was not ready in time\n${running.tail()}`);
    await sleep(50);
  }
  return running;
}

/** Runs a program to its end; for commands. */
export async function runCommand(
  scope: Scope,
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<{ code: number | null; output: string }> {
  const running = await startProcess(scope, { command, args, ...options });
  const { code } = await running.exited;
  return { code, output: running.output };
}

const portsGivenOut = new Set<number>();

/** A TCP port of 127.0.0.1 nobody listens on now, and never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
      });
    });
    if (!portsGivenOut.has(port)) {
      portsGivenOut.add(port);
      return port;
    }
  }
}

/** Memory of a process from /proc, in bytes: resident now, and the most it ever was. */
export function readMemory(pid: number): { residentBytes: number; peakBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string): number => {
    const line = status.split("\n").find((text) => text.startsWith(`${name}:`));
    return Number(line?.replace(/\D/g, "") ?? "0") * 1024;
  };
  return { residentBytes: field("VmRSS"), peakBytes: field("VmHWM") };
}

/** Asks `check` every `everyMs` until it returns something; the promise rejects with `what` after `msMax` ms. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | null | undefined | false>,
  msMax = 30_000,
  everyMs = 200,
): Promise<T> {
  const deadline = performance.now() + msMax;
  let lastError: unknown = null;
  for (;;) {
    try {
      const found = await check();
      if (found !== null && found !== undefined && found !== false) return found;
      lastError = null;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${msMax} ms for: ${what}${lastError === null ? "" : `; last: ${String(lastError)}`}`);
    }
    await sleep(everyMs);
  }
}
