/**
 * A server to develop against: compiles on change, starts the server again when its files changed, and writes a little
 * demo data into it, so that every query has something to show.
 *
 *     npm run dev -- -httpListenAddr=127.0.0.1:8428     flags go to the server
 *
 * Ends with Ctrl-C. Data lies in nyanza-data/ unless -storageDataPath says otherwise.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "./project.ts";

const demoEveryMs = 1000;

const flags = process.argv.slice(2);
const listenFlag = /^--?httpListenAddr(=|$)/;
const given = flags.findIndex((flag) => listenFlag.test(flag));
const address = given < 0 ? "127.0.0.1:8428" : (flags[given]?.split("=")[1] ?? flags[given + 1] ?? "");
const url = `http://${address.startsWith(":") ? `127.0.0.1${address}` : address}`;
if (given < 0) flags.push(`-httpListenAddr=${address}`);
if (!flags.some((flag) => /^--?storageDataPath(=|$)/.test(flag))) flags.push("-storageDataPath=nyanza-data");

const children: ChildProcess[] = [
  start([join(projectRoot, "node_modules/typescript/bin/tsc"), "-b", "--watch", "--preserveWatchOutput"]),
  // The modules themselves: nobody makes bundles of them at every change.
  start(["--watch", "--enable-source-maps", join(projectRoot, "packages/server/dist/main.js"), ...flags], {
    NODE_OPTIONS: "--conditions=nyanza-modules",
  }),
];
const timer = setInterval(() => void writeDemo(), demoEveryMs);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: "inherit", env: { ...process.env, ...env } });
  child.once("exit", stop);
  return child;
}

function stop(): void {
  clearInterval(timer);
  for (const child of children) child.kill("SIGTERM");
}

/** A counter, a gauge and a histogram of a shop that does not exist. A server that is just starting again misses a second. */
async function writeDemo(): Promise<void> {
  const nowMs = Date.now();
  const wave = 1 + Math.sin(nowMs / 60_000);
  const lines: string[] = [];
  for (const [i, path] of ["/", "/cart", "/checkout"].entries()) {
    const requests = Math.round((nowMs / 1000 - 1.7e9) * (3 - i));
    lines.push(`demo_requests_total{path="${path}",code="200"} ${requests}`);
    for (const le of ["0.1", "0.5", "+Inf"]) {
      const share = le === "+Inf" ? 1 : le === "0.5" ? 0.95 : 0.7;
      lines.push(`demo_request_duration_seconds_bucket{path="${path}",le="${le}"} ${Math.round(requests * share)}`);
    }
  }
  lines.push(`demo_temperature_celsius{room="lake"} ${(15 + 5 * wave).toFixed(2)}`);
  try {
    await fetch(`${url}/api/v1/import/prometheus`, { method: "POST", body: `${lines.join("\n")}\n` });
  } catch {
    // Not up yet.
  }
}
