/**
 * docs/COMPATIBILITY.md from the lists of differences that the tests keep.
 *
 *     npm run compatibility                        writes the page
 *     node tools/dist/compatibility.js --check     fails if the page is not what would be written
 *
 * The page is made beside the lists, in tests/compatibility/page.ts, so that the compiler checks what is read of them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "./project.ts";

interface Compatibility {
  readonly pagePath: string;
  makePage(): string;
}

const { pagePath, makePage } = (await import(
  pathToFileURL(join(projectRoot, "tests/dist/compatibility/page.js")).href
)) as Compatibility;

const page = makePage();
if (!process.argv.includes("--check")) {
  writeFileSync(pagePath, page);
} else if (readFileSync(pagePath, "utf8") !== page) {
  console.error("compatibility: docs/COMPATIBILITY.md is older than the tests' lists: npm run compatibility");
  process.exitCode = 1;
}
