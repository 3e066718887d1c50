/**
 * Runs `*.fuzz.ts` files for a while, from a seed.
 *
 *     npm run fuzz                            every target, 10 s each
 *     npm run fuzz -- text --seed=7           one target from seed 7 on
 *     npm run fuzz -- wire --seconds=600
 *
 * A target exports `fuzz(seed)`: it makes one input from the seed, tries it, and throws when something does not hold.
 * The failing seed is printed; `--seed=<it> --seconds=0` runs it alone.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { listFiles, packageNames, projectRoot } from "./project.ts";

interface FuzzTarget {
  fuzz(seed: number): void | Promise<void>;
}

async function main(args: readonly string[]): Promise<number> {
  const option = (name: string, standard: number): number => {
    const text = args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
    const value = text === undefined ? standard : Number(text);
    if (!Number.isFinite(value)) throw new Error(`fuzz: --${name} wants a number, got ${text}`);
    return value;
  };
  const firstSeed = option("seed", Date.now() % 1_000_000_000);
  const seconds = option("seconds", 10);
  const words = args.filter((arg) => !arg.startsWith("--"));
  const files = packageNames
    .map((name) => `packages/${name}/dist`)
    .flatMap((folder) => listFiles(join(projectRoot, folder), true).map((file) => `${folder}/${file}`))
    .filter((file) => file.endsWith(".fuzz.js") && (words.length === 0 || words.some((word) => file.includes(word))));
  if (files.length === 0) {
    console.error("fuzz: no target found");
    return 1;
  }
  let failed = 0;
  for (const file of files) {
    const target = (await import(pathToFileURL(join(projectRoot, file)).href)) as FuzzTarget;
    const endMs = performance.now() + seconds * 1000;
    let seed = firstSeed;
    try {
      do await target.fuzz(seed++);
      while (performance.now() < endMs);
      console.log(`${file}: ${seed - firstSeed} seeds from ${firstSeed}`);
    } catch (error) {
      failed++;
      console.error(`${file}: failed; repeat with --seed=${seed - 1} --seconds=0`);
      console.error(error);
    }
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
