/**
 * docs/kit/API.md: what the doors of @nyanza/metrics export, from the doc comments.
 *
 *     npm run api-reference                        writes the page
 *     node tools/dist/api-reference.js --check     fails if the page is not what would be written, or an export has no comment
 *
 * typedoc reads the compiled declarations (packages/metrics/dist/*.d.ts) and gives its model as JSON; printing that as a page that a person
 * wants to read is done here. It needs TypeScript 6, so it lives in a workspace of its own, tools/api-reference.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./project.ts";

/** What is said of a door; those package.json names and which export something are on the page, in this order. */
const sentences: ReadonlyMap<string, string> = new Map([
  ["index", "The native client, the query client and what keeps labels few. Depends on nothing."],
  [
    "otel",
    "OpenTelemetry started in one call, and the metrics most services want. Wants `@opentelemetry/api` and the SDK.",
  ],
  ["http", "Servers, frameworks and `fetch`, recorded. Wants `@opentelemetry/api`."],
  ["cluster", "Many processes, one endpoint. Depends on nothing."],
]);
const doors: readonly string[] = readDoors();

/** Rooms as chapters, where a door has several. */
const roomTitles: ReadonlyMap<string, string> = new Map([
  ["native", "Native client"],
  ["process", "The process's own metrics"],
  ["exposition", "Exposition"],
  ["query", "Query client"],
  ["tuning", "Labels, aggregation, sampling, names"],
  ["otel", "Starting"],
  ["app", "Ready-made metrics"],
  ["http", "Middleware"],
  ["cluster", "Process groups"],
]);

const pagePath = join(projectRoot, "docs/kit/API.md");

/** What of typedoc's model is used here; its own types want its own compiler. */
interface Reflection {
  readonly id: number;
  readonly name: string;
  readonly kind: number;
  readonly flags: {
    readonly isOptional?: boolean;
    readonly isReadonly?: boolean;
    readonly isStatic?: boolean;
    readonly isRest?: boolean;
  };
  readonly comment?: Comment;
  readonly children?: readonly Reflection[];
  readonly signatures?: readonly Reflection[];
  readonly indexSignatures?: readonly Reflection[];
  readonly getSignature?: Reflection;
  readonly parameters?: readonly Reflection[];
  readonly typeParameters?: readonly Reflection[];
  readonly type?: Type;
  readonly default?: Type;
  readonly defaultValue?: string;
  readonly extendedTypes?: readonly Type[];
  readonly inheritedFrom?: { readonly name: string };
  readonly overwrites?: { readonly name: string };
  readonly sources?: readonly { readonly fileName: string }[];
  readonly target?: number;
}

interface Comment {
  readonly summary: readonly Piece[];
  readonly blockTags?: readonly { readonly tag: string; readonly content: readonly Piece[] }[];
}

interface Piece {
  readonly kind: string;
  readonly text: string;
  readonly target?: unknown;
}

interface Type {
  readonly type: string;
  readonly name?: string;
  readonly value?: string | number | boolean | null;
  readonly types?: readonly Type[];
  readonly typeArguments?: readonly Type[];
  readonly elements?: readonly Type[];
  readonly element?: Type;
  readonly elementType?: Type;
  readonly declaration?: Reflection;
  readonly operator?: string;
  readonly target?: Type;
  readonly queryType?: Type;
  readonly objectType?: Type;
  readonly indexType?: Type;
  readonly checkType?: Type;
  readonly extendsType?: Type;
  readonly trueType?: Type;
  readonly falseType?: Type;
  readonly parameter?: string;
  readonly parameterType?: Type;
  readonly templateType?: Type;
  readonly readonlyModifier?: string;
  readonly optionalModifier?: string;
  readonly isOptional?: boolean;
  readonly targetType?: Type;
}

const Kind = {
  variable: 32,
  function: 64,
  class: 128,
  interface: 256,
  constructor: 512,
  alias: 2_097_152,
  reference: 4_194_304,
} as const;

/** The page, and the exports that say nothing of themselves. */
interface ApiReference {
  readonly page: string;
  readonly undocumented: readonly string[];
}

async function makeApiReference(): Promise<ApiReference> {
  const model = await readModel();
  const modules = doors.map((door) => {
    const module = model.children?.find(({ name }) => name.endsWith(`/door-${door}`));
    if (module === undefined) throw new Error(`api-reference: typedoc saw nothing in ${door}.d.ts`);
    return { door, sentence: sentences.get(door) as string, module };
  });
  const printer = new Printer();
  // A first pass hands out the anchors, so that links can point forward.
  for (const { door, module } of modules) printer.collect(door, module);
  const lines = [
    "# API of @nyanza/metrics",
    "",
    "Made from the doc comments by `npm run api-reference`. Times and durations are milliseconds unless a name says otherwise (`…_seconds`); what",
    "may be thrown is said, and whatever says nothing throws nothing. To learn it, begin with [the guide](GUIDE.md).",
    "",
    ...modules.map(({ door, sentence }) => `- [\`${doorName(door)}\`](#${printer.anchorOfDoor(door)}): ${sentence}`),
    "- `@nyanza/metrics/register` exports nothing: `node --import @nyanza/metrics/register app.js`.",
  ];
  for (const { door, sentence, module } of modules) lines.push(...printer.printDoor(door, sentence, module));
  return { page: `${lines.join("\n").replace(/\n{3,}/g, "\n\n")}\n`, undocumented: printer.undocumented };
}

function doorName(door: string): string {
  return door === "index" ? "@nyanza/metrics" : `@nyanza/metrics/${door}`;
}

class Printer {
  readonly undocumented: string[] = [];
  /** Of each exported declaration, by its id. */
  readonly #anchors = new Map<number, string>();
  readonly #doorAnchors = new Map<string, string>();
  readonly #used = new Map<string, number>();
  readonly #exported = new Map<string, Reflection>();

  collect(door: string, module: Reflection): void {
    this.#doorAnchors.set(door, this.#anchorFor(doorName(door)));
    for (const chapter of chaptersOf(module)) {
      if (chapter.title !== null) this.#anchorFor(chapter.title);
      for (const item of chapter.items) {
        this.#anchors.set(item.id, this.#anchorFor(item.name));
        for (const { id } of item.signatures ?? []) this.#anchors.set(id, this.#anchors.get(item.id) as string);
        for (const member of item.children ?? []) {
          for (const { id } of [member, ...(member.signatures ?? [])])
            this.#anchors.set(id, this.#anchors.get(item.id) as string);
        }
        this.#exported.set(item.name, item);
      }
    }
  }

  anchorOfDoor(door: string): string {
    return this.#doorAnchors.get(door) as string;
  }

  printDoor(door: string, sentence: string, module: Reflection): string[] {
    const chapters = chaptersOf(module);
    const lines = ["", `## ${doorName(door)}`, "", sentence, ""];
    for (const { title, items } of chapters) {
      const names = items.map(({ id, name }) => `[${name}](#${this.#anchors.get(id)})`).join(", ");
      lines.push(title === null ? names : `- ${title}: ${names}`);
    }
    for (const again of module.children?.filter(({ kind }) => kind === Kind.reference) ?? []) {
      lines.push(
        `${chapters.length > 1 ? "- " : "\n"}also here: [${again.name}](#${this.#anchors.get(again.target as number)})`,
      );
    }
    for (const { title, items } of chapters) {
      if (title !== null) lines.push("", `### ${title}`);
      for (const item of items) lines.push(...this.#printItem(door, item));
    }
    return lines;
  }

  /** As GitHub makes them from headings: the second of a name gets `-1`. */
  #anchorFor(heading: string): string {
    const base = heading
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-");
    const count = this.#used.get(base) ?? 0;
    this.#used.set(base, count + 1);
    return count === 0 ? base : `${base}-${count}`;
  }

  #printItem(door: string, item: Reflection): string[] {
    const comment = this.#isInherited(item) ? undefined : commentOf(item);
    if (comment === undefined || (comment.summary.length === 0 && (comment.blockTags ?? []).length === 0)) {
      this.undocumented.push(`${doorName(door)}: ${item.name}`);
    }
    const members = (item.children ?? []).filter((member) => !this.#isLeftOut(item, member));
    const lines = ["", `#### ${item.name}`, "", "```typescript", ...declare(item, members), "```"];
    lines.push(...this.#paragraphs(comment));
    const described = members.flatMap((member) => {
      const said = this.#inOneLine(commentOf(member));
      return said === ""
        ? []
        : [`- **${member.kind === Kind.constructor ? `new ${item.name}` : member.name}** ${said}`];
    });
    if (described.length > 0) lines.push("", ...described);
    return lines;
  }

  /** What is Error's, or that of another type on this page. */
  #isLeftOut(item: Reflection, member: Reflection): boolean {
    const from = (member.inheritedFrom ?? member.overwrites)?.name.split(".")[0];
    if (from === "Error")
      return !(item.children ?? []).includes(member) || member.inheritedFrom !== undefined || member.name === "name";
    return member.inheritedFrom !== undefined && from !== undefined && this.#exported.has(from);
  }

  /** typedoc gives a type without a comment its parent's. */
  #isInherited(item: Reflection): boolean {
    const parents = (item.extendedTypes ?? []).map((type) => this.#exported.get(String(type.name)));
    return parents.some(
      (parent) => parent !== undefined && JSON.stringify(parent.comment) === JSON.stringify(item.comment),
    );
  }

  #paragraphs(comment: Comment | undefined): string[] {
    if (comment === undefined) return [];
    const lines: string[] = [];
    const summary = this.#text(comment.summary);
    if (summary !== "") lines.push("", summary);
    for (const { tag, content } of comment.blockTags ?? []) {
      const text = this.#text(content);
      if (tag === "@throws") lines.push("", `Throws ${text}`);
      else if (tag === "@example")
        lines.push("", text.startsWith("```") ? asCode(text) : `\`\`\`typescript\n${text}\n\`\`\``);
      else if (tag !== "@param") lines.push("", `${tag.slice(1)}: ${text}`);
    }
    return lines;
  }

  #inOneLine(comment: Comment | undefined): string {
    return this.#paragraphs(comment)
      .filter((line) => line !== "")
      .join("\n\n")
      .replace(/\n(?=.)/g, "\n  ");
  }

  #text(pieces: readonly Piece[]): string {
    const text = pieces
      .map((piece) => {
        if (piece.kind !== "inline-tag") return piece.text;
        const anchor = typeof piece.target === "number" ? this.#anchors.get(piece.target) : undefined;
        return anchor === undefined ? `\`${piece.text}\`` : `[\`${piece.text}\`](#${anchor})`;
      })
      .join("")
      .trim();
    return asCode(text);
  }
}

/** A fence marked `ts` would be run by the test of the snippets. */
function asCode(text: string): string {
  return text.replace(/^```ts$/gm, "```typescript");
}

/** Exports by room, functions and classes before types; a single room has no title. */
function chaptersOf(module: Reflection): { title: string | null; items: Reflection[] }[] {
  const rooms = new Map<string, Reflection[]>();
  for (const item of module.children ?? []) {
    if (item.kind === Kind.reference) continue;
    const room = /^([a-z]+)\//.exec(item.sources?.[0]?.fileName ?? "")?.[1] ?? "";
    const items = rooms.get(room);
    if (items === undefined) rooms.set(room, [item]);
    else items.push(item);
  }
  const order = [...roomTitles.keys()];
  const rank = ({ kind }: Reflection): number =>
    kind === Kind.function ? 1 : kind === Kind.class ? 0 : kind === Kind.variable ? 2 : 3;
  return [...rooms]
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([room, items]) => ({
      title: rooms.size === 1 ? null : (roomTitles.get(room) ?? room),
      items: items.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1)),
    }));
}

/** A function's comment is at its signature, the one of several overloads at the first; an accessor's at its getter. */
function commentOf(item: Reflection): Comment | undefined {
  const own =
    item.comment ??
    item.signatures?.find(({ comment }) => comment !== undefined)?.comment ??
    item.getSignature?.comment;
  if (own !== undefined || item.type?.type !== "reflection") return own;
  return item.type.declaration?.signatures?.[0]?.comment;
}

function declare(item: Reflection, members: readonly Reflection[]): string[] {
  const generic = printTypeParameters(item.typeParameters);
  switch (item.kind) {
    case Kind.function:
      return (item.signatures ?? []).map((signature) => `function ${item.name}${printSignature(signature, ": ")}`);
    case Kind.variable:
      return fold(`const ${item.name}: `, item.type);
    case Kind.alias:
      return fold(`type ${item.name}${generic} = `, item.type);
    default: {
      const parents = item.extendedTypes?.map((type) => printType(type)).join(", ");
      const word = item.kind === Kind.class ? "class" : "interface";
      const head = `${word} ${item.name}${generic}${parents === undefined ? "" : ` extends ${parents}`}`;
      const inner = [...(item.indexSignatures ?? []).map(printIndex), ...members.flatMap(printMember)];
      return inner.length === 0 ? [`${head} {}`] : [`${head} {`, ...inner.map((line) => `  ${line}`), "}"];
    }
  }
}

/** On one line if it fits, else a line for each member of the type. */
function fold(head: string, type: Type | undefined): string[] {
  const whole = `${head}${printType(type)}`;
  if (whole.length <= 120) return [whole];
  if (type?.type === "union") return [head.trimEnd(), ...(type.types ?? []).map((one) => `  | ${inUnion(one)}`)];
  const members = type?.type === "reflection" ? (type.declaration?.children ?? []) : [];
  return members.length === 0 ? [whole] : [`${head}{`, ...members.flatMap(printMember).map((line) => `  ${line}`), "}"];
}

function printMember(member: Reflection): string[] {
  if (member.kind === Kind.constructor) {
    return (member.signatures ?? []).map((signature) => `constructor(${printParameters(signature.parameters)})`);
  }
  const optional = member.flags.isOptional === true ? "?" : "";
  if (member.signatures !== undefined) {
    return member.signatures.map((signature) => `${member.name}${optional}${printSignature(signature, ": ")}`);
  }
  const isReadonly = member.flags.isReadonly === true || member.getSignature !== undefined;
  return [
    `${isReadonly ? "readonly " : ""}${member.name}${optional}: ${printType(member.type ?? member.getSignature?.type)}`,
  ];
}

function printIndex(signature: Reflection): string {
  return `[${printParameters(signature.parameters)}]: ${printType(signature.type)}`;
}

function printSignature(signature: Reflection, arrow: string): string {
  const generic = printTypeParameters(signature.typeParameters);
  return `${generic}(${printParameters(signature.parameters)})${arrow}${printType(signature.type)}`;
}

function printParameters(parameters: readonly Reflection[] = []): string {
  return parameters
    .map(({ name, flags, defaultValue, type }) => {
      const optional = flags.isOptional === true || defaultValue !== undefined ? "?" : "";
      // Destructured ones have no name that says something.
      return `${flags.isRest === true ? "..." : ""}${name === "__namedParameters" ? "options" : name}${optional}: ${printType(type)}`;
    })
    .join(", ");
}

function printTypeParameters(parameters: readonly Reflection[] = []): string {
  if (parameters.length === 0) return "";
  const print = ({ name, type, default: standard }: Reflection): string =>
    `${name}${type === undefined ? "" : ` extends ${printType(type)}`}${standard === undefined ? "" : ` = ${printType(standard)}`}`;
  return `<${parameters.map(print).join(", ")}>`;
}

function printType(type: Type | undefined): string {
  if (type === undefined) return "unknown";
  const list = (types: readonly Type[] | undefined): string => (types ?? []).map(printType).join(", ");
  switch (type.type) {
    case "literal":
      return type.value === null ? "null" : JSON.stringify(type.value);
    case "reference":
      return type.typeArguments === undefined ? String(type.name) : `${type.name}<${list(type.typeArguments)}>`;
    case "union":
      return (type.types ?? []).map(inUnion).join(" | ");
    case "intersection":
      return (type.types ?? []).map(inUnion).join(" & ");
    case "array":
      return `${/^[\w.<>[\]]+$/.test(printType(type.elementType)) ? printType(type.elementType) : `(${printType(type.elementType)})`}[]`;
    case "tuple":
      return `[${list(type.elements)}]`;
    case "namedTupleMember":
      return `${type.name}${type.isOptional === true ? "?" : ""}: ${printType(type.element)}`;
    case "optional":
      return `${printType(type.elementType)}?`;
    case "rest":
      return `...${printType(type.elementType)}`;
    case "typeOperator":
      return `${type.operator} ${printType(type.target)}`;
    case "query":
      return `typeof ${printType(type.queryType)}`;
    case "indexedAccess":
      return `${printType(type.objectType)}[${printType(type.indexType)}]`;
    case "predicate":
      return `${type.name} is ${printType(type.targetType)}`;
    case "conditional":
      return `${printType(type.checkType)} extends ${printType(type.extendsType)} ? ${printType(type.trueType)} : ${printType(type.falseType)}`;
    case "mapped": {
      const readonly = type.readonlyModifier === "+" ? "readonly " : "";
      const optional = type.optionalModifier === "+" ? "?" : "";
      return `{ ${readonly}[${type.parameter} in ${printType(type.parameterType)}]${optional}: ${printType(type.templateType)} }`;
    }
    case "reflection":
      return printShape(type.declaration);
    case "intrinsic":
    case "unknown":
      return String(type.name);
    default:
      throw new Error(`api-reference: a type that is not known here: ${type.type}`);
  }
}

function inUnion(type: Type): string {
  const isFunction = type.type === "reflection" && type.declaration?.signatures !== undefined;
  return isFunction ? `(${printType(type)})` : printType(type);
}

function printShape(declaration: Reflection | undefined): string {
  const call = declaration?.signatures?.[0];
  if (call !== undefined) return printSignature(call, " => ");
  const inner = [
    ...(declaration?.indexSignatures ?? []).map(printIndex),
    ...(declaration?.children ?? []).flatMap(printMember),
  ];
  return inner.length === 0 ? "{}" : `{ ${inner.join("; ")} }`;
}

/** @throws Error for a door of package.json that is not described here */
function readDoors(): string[] {
  const manifest = readFileSync(join(projectRoot, "packages/metrics/package.json"), "utf8");
  const found = [...manifest.matchAll(/"\.\/dist\/([^"]+)\.js"/g)].map((match) => match[1] as string);
  for (const door of found) {
    if (door !== "register" && !sentences.has(door))
      throw new Error(`api-reference: say in a sentence what ${door} is`);
  }
  return [...sentences.keys()].filter((door) => found.includes(door));
}

async function readModel(): Promise<Reflection> {
  const tools = join(projectRoot, ".tools");
  mkdirSync(tools, { recursive: true });
  const folder = mkdtempSync(join(tools, "api-reference-"));
  try {
    const dist = join(projectRoot, "packages/metrics/dist");
    // Copies without the header of the file, which typedoc would take for the comment of the first exports.
    const entryPoints = doors.map((door) => {
      const text = readFileSync(join(dist, `${door}.d.ts`), "utf8").replace(/^\/\*\*[\s\S]*?\*\/\n/, "");
      writeFileSync(join(folder, `door-${door}.d.ts`), text.replaceAll('from "./', `from "${dist}/`));
      return join(folder, `door-${door}.d.ts`);
    });
    const compilerOptions = {
      target: "es2022",
      lib: ["es2023"],
      module: "nodenext",
      types: ["node"],
      strict: true,
      skipLibCheck: true,
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: entryPoints }));
    const options = {
      entryPoints,
      tsconfig: join(folder, "tsconfig.json"),
      json: join(folder, "model.json"),
      readme: "none",
      excludeExternals: true,
      // Paths of sources tell the rooms; links to them would change with every commit.
      disableGit: true,
      basePath: dist,
      sourceLinkTemplate: "{path}",
      logLevel: "Error",
      validation: false,
    };
    writeFileSync(join(folder, "typedoc.json"), JSON.stringify(options));
    const program = join(projectRoot, "tools/api-reference/node_modules/typedoc/bin/typedoc");
    const child = spawn(process.execPath, [program, "--options", join(folder, "typedoc.json")], {
      cwd: folder,
      stdio: "inherit",
    });
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once("error", reject).once("close", resolve),
    );
    if (code !== 0) throw new Error(`api-reference: typedoc ended with ${code}`);
    return JSON.parse(readFileSync(join(folder, "model.json"), "utf8")) as Reflection;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(isCheck: boolean): Promise<number> {
  const { page, undocumented } = await makeApiReference();
  for (const name of undocumented) console.error(`api-reference: ${name} has no doc comment`);
  if (!isCheck) {
    writeFileSync(pagePath, page);
    console.log(`api-reference: ${page.split("\n").length} lines`);
  } else if (readFileSync(pagePath, "utf8") !== page) {
    console.error("api-reference: docs/kit/API.md is not what the doc comments say now: run npm run api-reference");
    return 1;
  }
  return undocumented.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.includes("--check"));
