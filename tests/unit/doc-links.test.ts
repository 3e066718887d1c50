/** Links in documents lead somewhere: relative ones to a file that is there, and to a heading of it. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

function listPages(): string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true }).map((name) => join("docs", String(name)));
  const others = ["README.md", "CHANGELOG.md", "packages/metrics/README.md", "examples/demo-app/README.md"];
  return [...docs.filter((name) => name.endsWith(".md")), ...others].map((name) => join(root, name));
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, " "));
}

/** Anchors as GitHub makes them: the second heading of a name gets `-1`. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  const counts = new Map<string, number>();
  for (const [, heading = ""] of readFileSync(path, "utf8")
    .replace(/^```[\s\S]*?^```/gm, "")
    .matchAll(/^#+ (.+)$/gm)) {
    const base = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-");
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    anchors.add(count === 0 ? base : `${base}-${count}`);
  }
  return anchors;
}

test("documents: relative links lead to files and headings that are there", () => {
  const broken: string[] = [];
  let seen = 0;
  for (const page of listPages()) {
    for (const [, link = ""] of withoutCode(readFileSync(page, "utf8")).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      seen++;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      const isThere = existsSync(target) && (anchor === undefined || anchorsOf(target).has(anchor));
      if (!isThere) broken.push(`${relative(root, page)}: ${link}`);
    }
  }
  assert.ok(seen > 100, `saw only ${seen} links`);
  assert.deepEqual(broken, []);
});
