/**
 * The demo: a server with a data folder of its own, an application that sends it metrics, and the address of their graphs.
 *
 *     npm run demo                     until Ctrl-C
 *     npm run demo -- --port=9000      the server's port; 8428 or, if that is taken, a free one by itself
 *     npm run demo -- --seconds=30     ends by itself
 *
 * Exit 0 after Ctrl-C, SIGTERM or the given seconds; 1 when one of the two could not start, ended by itself or had to be killed: the
 * other is ended then, and the last lines of the one that failed are shown.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { projectRoot } from "./project.ts";

const HELP = `npm run demo -- [--port=8428] [--seconds=30]

Starts a Nyanza server with a fresh data folder and an application that sends it metrics, and prints the address of their graphs.
  --port=N      port of the server; without it 8428 or, if that is taken, a free one
  --seconds=N   end after so many seconds; without it Ctrl-C does
`;

const HOST = "127.0.0.1";
const PORT_STANDARD = 8428;
const READY_MS_MAX = 30_000;
/** How long a child may take to end before it is killed. */
const STOP_MS_MAX = 15_000;
const LINES_SHOWN = 15;

export interface DemoOptions {
  /** Null takes the usual port, or a free one. */
  readonly port: number | null;
  /** Null runs until a signal. */
  readonly seconds: number | null;
}

/** Null asks for help. @throws Error that names what was not understood */
export function parseDemoArgs(args: readonly string[]): DemoOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: { help: { type: "boolean", short: "h" }, port: { type: "string" }, seconds: { type: "string" } },
  });
  if (values.help === true) return null;
  const number = (name: "port" | "seconds", max: number): number | null => {
    const text = values[name];
    if (text === undefined) return null;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
    throw new Error(`--${name} wants a whole number from 1 to ${max}, got ${JSON.stringify(text)}`);
  };
  return { port: number("port", 65_535), seconds: number("seconds", 86_400) };
}

/** A program of the demo, its last lines of output kept for the case that it fails. */
class Child {
  readonly name: string;
  /** How it ended; never rejects. */
  readonly ended: Promise<string>;
  hasEnded = false;
  readonly #process: ChildProcess;
  #lines: string[] = [];

  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.name = name;
    this.#process = spawn(process.execPath, args, {
      cwd: projectRoot,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A terminal sends Ctrl-C to its whole group. Apart from it, both end when we say so and in the right order.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    const keep = (chunk: Buffer): void => {
      this.#lines = [...this.#lines, ...chunk.toString().split("\n").filter(Boolean)].slice(-LINES_SHOWN);
    };
    this.#process.stdout?.on("data", keep);
    this.#process.stderr?.on("data", keep);
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.hasEnded = true;
        resolve(how);
      };
      this.#process.once("error", (error) => end(`could not be started: ${error.message}`));
      this.#process.once("close", (code, signal) => end(signal === null ? `exit code ${code}` : signal));
    });
  }

  /** @throws Error when it ends first or takes too long */
  async waitUntilListening(port: number): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (!(await accepts(port))) {
      if (this.hasEnded) throw new Error(this.describeEnd(await this.ended));
      if (performance.now() > deadlineMs)
        throw new Error(`${this.name} did not listen within ${READY_MS_MAX / 1000} s`);
      await sleep(50);
    }
  }

  /** Asks it to end and waits. False if it had to be killed. */
  async stop(): Promise<boolean> {
    if (this.hasEnded) return true;
    this.#process.kill("SIGTERM");
    const isEnded = await Promise.race([this.ended, sleep(STOP_MS_MAX, false, { ref: false })]);
    if (isEnded !== false) return true;
    this.#process.kill("SIGKILL");
    await this.ended;
    return false;
  }

  describeEnd(how: string): string {
    return [`${this.name} ended by itself: ${how}`, ...this.#lines.map((line) => `  | ${line}`)].join("\n");
  }
}

/** A connection and no request: the application's graphs show its customers only. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}

/** The port, or null if somebody listens there. 0 takes one the system chooses. */
function probePort(wanted: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(null));
    probe.listen(wanted, HOST, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : null));
    });
  });
}

async function freePort(): Promise<number> {
  const port = await probePort(0);
  if (port === null) throw new Error(`no free port at ${HOST}`);
  return port;
}

/** Probed first: who listens there already would answer in our server's place. */
async function choosePort(wanted: number | null): Promise<number> {
  const port = await probePort(wanted ?? PORT_STANDARD);
  if (port !== null) return port;
  if (wanted !== null) throw new Error(`--port=${wanted}: somebody listens at ${HOST}:${wanted} already`);
  return await freePort();
}

async function runDemo({ port, seconds }: DemoOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "nyanza-demo-"));
  const children: Child[] = [];
  const stopRequest = new AbortController();
  const stopped = new Promise<null>((resolve) => stopRequest.signal.addEventListener("abort", () => resolve(null)));
  const stop = (): void => stopRequest.abort();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
  const parentWatch = watchParent(stop);
  let exitCode = 0;
  try {
    const serverPort = await choosePort(port);
    const serverUrl = `http://${HOST}:${serverPort}`;
    const server = new Child("the server", [
      join(projectRoot, "packages/server/bin/nyanza.js"),
      `-storageDataPath=${join(folder, "data")}`,
      `-httpListenAddr=${HOST}:${serverPort}`,
    ]);
    children.push(server);
    const appPort = await freePort();
    const metricsPort = await freePort();
    const appUrl = `http://${HOST}:${appPort}`;
    if ((await Promise.race([server.waitUntilListening(serverPort), stopped])) === null) return 0;
    const app = new Child("the demo application", [join(projectRoot, "examples/demo-app/dist/main.js")], {
      PORT: String(appPort),
      METRICS_PORT: String(metricsPort),
      NYANZA_URL: serverUrl,
    });
    children.push(app);
    if ((await Promise.race([app.waitUntilListening(appPort), stopped])) === null) return 0;
    process.stdout.write(
      [
        "",
        "Nyanza and an application that sends it metrics are up.",
        "",
        `  graphs        ${serverUrl}/vmui/#/?board=application&g0.range_input=2m`,
        `  application   ${appUrl}/`,
        `  its metrics   http://${HOST}:${metricsPort}/metrics`,
        "",
        seconds === null
          ? "Lines appear after a few seconds. Ctrl-C ends both and deletes their data."
          : `Lines appear after a few seconds. Both end after ${seconds} s.`,
        "",
        "",
      ].join("\n"),
    );
    const timer = seconds === null ? null : setTimeout(stop, seconds * 1000);
    const failure = await Promise.race([
      stopped,
      ...children.map(async (child) => child.describeEnd(await child.ended)),
    ]);
    if (timer !== null) clearTimeout(timer);
    if (failure !== null) throw new Error(failure);
  } catch (error) {
    exitCode = 1;
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearInterval(parentWatch);
    // The application first, so that the last it has to say finds a server.
    for (const child of children.reverse()) {
      if (!(await child.stop())) {
        exitCode = 1;
        console.error(`demo: ${child.name} did not end within ${STOP_MS_MAX / 1000} s and was killed`);
      }
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
  }
  return exitCode;
}

/** A shell between npm and us dies of a SIGTERM without passing it on. That we have another parent then is all there is to see of it. */
function watchParent(stop: () => void): NodeJS.Timeout {
  const parent = process.ppid;
  const isStartedByNpm = process.env["npm_lifecycle_event"] === "demo";
  return setInterval(() => {
    if (isStartedByNpm && process.ppid !== parent) stop();
  }, 500);
}

async function main(): Promise<number> {
  let options: DemoOptions | null;
  try {
    options = parseDemoArgs(process.argv.slice(2));
  } catch (error) {
    console.error(`demo: ${(error as Error).message}`);
    return 1;
  }
  if (options !== null) return await runDemo(options);
  process.stdout.write(HELP);
  return 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main();
}
