/**
 * System tests: real peers, killed servers, a browser. Each file is a process of its own, one after the other, because
 * they measure memory and kill what they start.
 *
 *     npm run test:system                  every tests/system/*.test.ts and tests/corpora/*.test.ts
 *     npm run test:system -- kill shutdown only files whose path contains one of the words
 *
 * Installs the Debian packages the tests need when they are missing and it runs as root; otherwise says which to install.
 * A run of everything fails when a file was left out, a file ran no test, or any test was skipped.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listFiles, projectRoot } from "./project.ts";

/** A file that takes longer hangs. */
const fileMsMax = 5 * 60_000;

/** Debian package → a program of it that must be there. */
const peers: Readonly<Record<string, string>> = {
  "victoria-metrics": "/usr/bin/victoria-metrics",
  prometheus: "/usr/bin/prometheus",
  "prometheus-node-exporter": "/usr/bin/prometheus-node-exporter",
  "prometheus-alertmanager": "/usr/bin/prometheus-alertmanager",
  chromium: "/usr/bin/chromium",
  // Power cuts, and clocks that jump: tests/system/trials.
  xfsprogs: "/usr/sbin/xfs_io",
  faketime: "/usr/bin/faketime",
};

interface Summary {
  readonly tests: number;
  readonly pass: number;
  readonly fail: number;
  readonly skipped: number;
}

async function main(words: readonly string[]): Promise<number> {
  installPeers();
  const all = ["system", "corpora"].flatMap((folder) =>
    listFiles(join(projectRoot, "tests", folder))
      .filter((file) => file.endsWith(".test.ts"))
      .map((file) => `tests/dist/${folder}/${file.replace(/\.ts$/, ".js")}`),
  );
  const files = words.length === 0 ? all : all.filter((file) => words.some((word) => file.includes(word)));
  if (files.length === 0) {
    console.error("test-system: no test file found");
    return 1;
  }
  const problems: string[] = [];
  const total = { tests: 0, pass: 0, fail: 0, skipped: 0 };
  for (const file of files) {
    console.log(`\n# ${file}`);
    const startMs = performance.now();
    const summary = await runFile(file, problems);
    console.log(`# ${file}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    for (const key of ["tests", "pass", "fail", "skipped"] as const) total[key] += summary[key];
  }
  console.log(`\n# system tests: ${files.length} of ${all.length} files`);
  for (const problem of problems) console.log(`# problem: ${problem}`);
  // The same lines as node:test's own summary, over all files.
  for (const key of ["tests", "pass", "fail", "skipped"] as const) console.log(`ℹ ${key} ${total[key]}`);
  return problems.length === 0 ? 0 : 1;
}

async function runFile(file: string, problems: string[]): Promise<Summary> {
  if (!existsSync(join(projectRoot, file))) {
    problems.push(`${file}: not compiled`);
    return { tests: 1, pass: 0, fail: 1, skipped: 0 };
  }
  const folder = mkdtempSync(join(tmpdir(), "nyanza-system-"));
  const report = join(folder, "report.txt");
  try {
    const { code, signal } = await runNode([
      "--enable-source-maps",
      ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...["--test-reporter=tap", `--test-reporter-destination=${report}`],
      join(projectRoot, file),
    ]);
    const summary = readSummary(existsSync(report) ? readFileSync(report, "utf8") : "");
    if (signal !== null) problems.push(`${file}: ended by ${signal}, after ${fileMsMax / 60_000} minutes at most`);
    else if (code !== 0) problems.push(`${file}: exit code ${code}`);
    if (summary === null) return { tests: 1, pass: 0, fail: 1, skipped: 0 };
    if (summary.tests === 0) problems.push(`${file}: ran no test`);
    if (summary.skipped > 0) problems.push(`${file}: ${summary.skipped} skipped`);
    return summary;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A process group of its own, which is killed whole when it takes too long or when this program is told to end:
 * no server that a test started outlives it.
 */
function runNode(args: readonly string[]): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: "inherit", detached: true });
    const killGroup = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // Already gone.
      }
    };
    const interrupt = (): void => {
      killGroup();
      process.exit(130);
    };
    const timer = setTimeout(killGroup, fileMsMax);
    process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      killGroup();
      resolve({ code, signal });
    });
  });
}

/** Counts from the end of a TAP report; null when the report has no end. Todo and cancelled tests count as failed. */
function readSummary(report: string): Summary | null {
  const count = (name: string): number | null => {
    const found = [...report.matchAll(new RegExp(`^# ${name} (\\d+)$`, "gm"))].at(-1);
    return found === undefined ? null : Number(found[1]);
  };
  const [tests, pass, skipped] = [count("tests"), count("pass"), count("skipped")];
  if (tests === null || pass === null || skipped === null) return null;
  return { tests, pass, skipped, fail: tests - pass - skipped };
}

/** @throws Error naming the packages when they are missing and cannot be installed. */
function installPeers(): void {
  const missing = Object.keys(peers).filter((name) => !existsSync(peers[name] as string));
  if (missing.length === 0) return;
  const install = ["install", "-y", "--no-install-recommends", ...missing];
  if (process.getuid?.() !== 0) {
    throw new Error(`test-system: needs Debian packages; run: apt-get ${install.join(" ")}`);
  }
  console.log(`# installing ${missing.join(" ")}`);
  // Debian's way of saying that no service may be started: tests start their own programs, on free ports.
  const policy = "/usr/sbin/policy-rc.d";
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    for (const args of [["update"], install]) {
      const { status } = spawnSync("apt-get", args, {
        stdio: "inherit",
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      });
      if (status !== 0) throw new Error(`test-system: apt-get ${args[0]} ended with ${status}`);
    }
  } finally {
    if (ours) rmSync(policy);
  }
}

process.exitCode = await main(process.argv.slice(2));
