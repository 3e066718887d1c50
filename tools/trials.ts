/**
 * The trials of tests/system/trials in their deep sizes: thousands of kills, power cuts, damaged files and random programs. Takes an hour or two.
 *
 *     npm run trials                          all of them
 *     npm run trials -- kills power           only files whose name contains one of the words
 *     NYANZA_KILLS=100 npm run trials         another size, NYANZA_SEED=7 another seed
 *
 * Prints where it is as it goes, and in the end the table for docs/BENCHMARKS.md. Needs root, and what `npm run test:system` installs.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { listFiles, projectRoot } from "./project.ts";

const DEEP_SIZES: Readonly<Record<string, string>> = {
  NYANZA_PROGRAMS: "20000",
  NYANZA_KILLS: "1000",
  NYANZA_POWER_CUTS: "500",
  NYANZA_FLIPS: "5000",
  NYANZA_FULL_DISKS: "20",
  NYANZA_PROGRESS: "1",
};

async function main(words: readonly string[]): Promise<number> {
  const files = listFiles(join(projectRoot, "tests/system/trials"))
    .filter((file) => file.endsWith(".test.ts"))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
  const rows: string[] = [];
  const failed: string[] = [];
  for (const file of files) {
    const startMs = performance.now();
    console.log(`\n# ${file}`);
    const compiled = join(projectRoot, "tests/dist/system/trials", file.replace(/\.ts$/, ".js"));
    if ((await run(compiled, rows)) !== 0) failed.push(file);
    console.log(`# ${file}: ${Math.round((performance.now() - startMs) / 1000)} s`);
  }
  console.log("\n| trial | size | outcome |\n|---|---|---|");
  for (const row of rows) console.log(`| ${row} |`);
  for (const file of failed) console.log(`failed: ${file}`);
  return failed.length === 0 && rows.length > 0 ? 0 : 1;
}

/** Shows what the trial prints, keeps the lines that report. Its exit code, 1 for a signal. */
function run(file: string, rows: string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--enable-source-maps", "--test-reporter=spec", file], {
      cwd: projectRoot,
      env: { ...DEEP_SIZES, ...process.env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      process.stdout.write(text);
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("trial: ")) rows.push(line.slice("trial: ".length));
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
}

process.exitCode = await main(process.argv.slice(2));
