/**
 * Code in documents that is compiled and run. A page's snippets are its fences marked `ts` (or `cjs` for CommonJS):
 *
 * - each is a program of its own, unless it begins with `// continued`: then it goes on where the snippet before it ended;
 * - a comment `// prints: 42` says what standard output must hold, in this order;
 * - http://127.0.0.1:8428 means the server the test has started, and ports in `port: 8080` or `listen(8080` become free ones;
 * - a program that still listens after a while has done its work.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./nyanza.ts";
import { runCommand } from "./process.ts";
import type { Scope } from "./scope.ts";

export interface Snippet {
  /** The page's path from the root, and the line of the fence. */
  readonly place: string;
  readonly language: "ts" | "cjs";
  readonly code: string;
}

/** The snippets of a page, continued ones joined to what they continue. */
export function readSnippets(page: string): Snippet[] {
  const lines = readFileSync(join(projectRoot, page), "utf8").split("\n");
  const snippets: Snippet[] = [];
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(ts|cjs)$/.exec(lines[i] as string)?.[1] as Snippet["language"] | undefined;
    if (language === undefined) continue;
    const end = lines.indexOf("```", i);
    if (end < 0) throw new Error(`${page}:${i + 1}: a fence without its end`);
    const code = lines.slice(i + 1, end).join("\n");
    const before = snippets.at(-1);
    if (code.startsWith("// continued")) {
      if (before === undefined) throw new Error(`${page}:${i + 1}: continues nothing`);
      snippets[snippets.length - 1] = { ...before, code: `${before.code}\n${code}` };
    } else {
      snippets.push({ place: `${page}:${i + 1}`, language, code });
    }
    i = end;
  }
  return snippets;
}

export interface CompiledSnippets {
  /** Runs one of them to its end. */
  run(snippet: Snippet): Promise<{ code: number | null; output: string }>;
}

/** How long a program that listens may live, ms. */
const lifeMs = 4000;

/**
 * Type-checks and compiles `snippets` all at once, in a folder inside the project, so that packages are found as an installed project finds them.
 * @throws Error with the compiler's output, places being those of the documents
 */
export async function compileSnippets(
  scope: Scope,
  snippets: readonly Snippet[],
  serverUrl: string,
): Promise<CompiledSnippets> {
  const folder = join(projectRoot, ".tools", `snippets-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  scope.onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const nameOf = (snippet: Snippet): string => snippet.place.replaceAll(/[^\w]+/g, "-");
  for (const snippet of snippets) {
    const code = snippet.code
      .replaceAll("http://127.0.0.1:8428", serverUrl)
      .replaceAll(/(\bport: |\.listen\()\d{4}\b/g, "$10")
      .replaceAll(/(["`](?:127\.0\.0\.1)?:)\d{4}(["`])/g, "$10$2");
    const extension = snippet.language === "cjs" ? "cjs" : "ts";
    // An import or export makes a file a module of its own; two snippets may then use the same names.
    writeFileSync(
      join(folder, `${nameOf(snippet)}.${extension}`),
      extension === "ts" ? `export {};\n${code}\n` : `${code}\n`,
    );
  }
  const options = {
    target: "es2022",
    lib: ["es2023"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    skipLibCheck: true,
  };
  const config = { compilerOptions: options, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "end.mjs"), `setTimeout(() => process.exit(), ${lifeMs}).unref();\n`);
  const compiler = join(projectRoot, "node_modules/typescript/bin/tsc");
  const { code, output } = await runCommand(scope, process.execPath, [compiler, "-p", folder]);
  if (code !== 0) {
    const placed = snippets.reduce((text, snippet) => text.replaceAll(nameOf(snippet), snippet.place), output);
    throw new Error(`snippets do not compile (lines count from the fence):\n${placed}`);
  }
  return {
    run: (snippet) => {
      const extension = snippet.language === "cjs" ? "cjs" : "js";
      const program = join(folder, `${nameOf(snippet)}.${extension}`);
      return runCommand(scope, process.execPath, ["--import", join(folder, "end.mjs"), program], {
        cwd: folder,
        env: { NO_COLOR: "1" },
      });
    },
  };
}

/** What a snippet's `// prints:` comments want, in order. */
export function wantedOutput(snippet: Snippet): string[] {
  return [...snippet.code.matchAll(/\/\/ prints: (.*)$/gm)].map((match) => (match[1] as string).trim());
}
