/**
 * A metric's name with its labels in one string, as the text format writes it:
 *
 *     vm_rows_inserted_total{type="promremotewrite"}
 *
 * It is checked once, when the metric is made, so that everything a set writes is well-formed. Two spellings of the same
 * labels (other order, spaces, a trailing comma) have the same canonical text, and with it are the same metric.
 */
import { formatLabel, formatLabels } from "../exposition/labels.ts";

export interface MetricName {
  /** The part before the labels. */
  readonly family: string;
  /** `a="b",c="d"`: sorted by label name, values escaped; "" without labels. */
  readonly labels: string;
  /** Sorted. */
  readonly labelNames: readonly string[];
  /** Canonical spelling of the whole. */
  readonly text: string;
}

/** Longest name with labels, in UTF-16 units. A longer one is a mistake or an attack. */
export const NAME_LENGTH_MAX = 65_536;

/** A metric's name is malformed. `position` is the offset in UTF-16 units where reading failed. */
export class MetricNameError extends TypeError {
  override readonly name: "MetricNameError" = "MetricNameError";
  readonly code: "INPUT" = "INPUT";
  /** The name, its end left out if it is very long. */
  readonly text: string;
  readonly position: number;

  constructor(text: string, position: number, problem: string) {
    const shown = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
    super(`metric name ${JSON.stringify(shown)}: at position ${position}: ${problem}`);
    this.text = shown;
    this.position = position;
  }
}

/** @throws MetricNameError */
export function parseMetricName(text: string): MetricName {
  checkLength(text);
  const reader = new NameReader(text);
  const family = reader.readWord(FAMILY, FAMILY_WANTED);
  const pairs = reader.isAt("{") ? reader.readLabels() : [];
  reader.skipSpaces();
  if (!reader.isAtEnd()) throw reader.error(`want "{" or the end, got ${reader.describeNext()}`);
  return makeMetricName(family, pairs);
}

/**
 * The string for a metric whose label values are only known at run time: values are escaped, whatever is in them.
 *
 *     formatMetricName("hits_total", [["path", request.url]])   // hits_total{path="/a\"b"}
 *
 * @throws MetricNameError if the family or a label name is malformed or repeated, or the whole longer than {@link NAME_LENGTH_MAX}
 */
export function formatMetricName(family: string, labels: Iterable<readonly [string, string]>): string {
  const pairs = [...labels];
  checkFamilyName(
    family,
    pairs.map(([label]) => label),
  );
  const parts = pairs.map(([label, value]) => {
    if (typeof value !== "string") {
      throw new MetricNameError(family, family.length, `want a string as label "${label}", got ${typeof value}`);
    }
    return formatLabel(label, value);
  });
  return parseMetricName(parts.length === 0 ? family : `${family}{${parts.join(",")}}`).text;
}

/** @throws MetricNameError if one of `refused` is among the labels: {@link MetricKind.ownLabels} */
export function refuseLabels(name: MetricName, refused: readonly string[]): void {
  const label = refused.find((own) => name.labelNames.includes(own));
  if (label !== undefined) throw new MetricNameError(name.text, name.family.length, ownLabelProblem(label));
}

/**
 * Checks the name and the label names of a family whose series are made later; none of them may be among `refused`.
 * @throws MetricNameError
 */
export function checkFamilyName(
  family: string,
  labelNames: readonly string[] = [],
  refused: readonly string[] = [],
): void {
  checkLength(family);
  if (!isWord(FAMILY, family)) {
    throw new MetricNameError(family, FAMILY.lastIndex, `want ${FAMILY_WANTED}, and nothing else`);
  }
  const fail = (problem: string): never => {
    throw new MetricNameError(family, family.length, problem);
  };
  if (!Array.isArray(labelNames)) fail(`want an array of label names, got ${typeof labelNames}`);
  for (const [i, label] of labelNames.entries()) {
    if (typeof label !== "string") fail(`want label names that are strings, got ${typeof label}`);
    if (label.length > NAME_LENGTH_MAX || !isWord(LABEL, label)) {
      fail(`want label names of letters, digits and '_', got ${JSON.stringify(label.slice(0, SHOWN_LENGTH_MAX))}`);
    }
    if (label === "__name__") fail('the name is no label: "__name__" is refused');
    if (refused.includes(label)) fail(ownLabelProblem(label));
    if (labelNames.indexOf(label) < i) fail(`label "${label}" occurs twice`);
  }
}

const SHOWN_LENGTH_MAX = 200;
const FAMILY_WANTED = "a metric name of letters, digits, '_' and ':'";
const FAMILY = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const LONE_SURROGATE = /\p{Surrogate}/gu;
const ESCAPES = new Map([
  ["\\", "\\"],
  ['"', '"'],
  ["n", "\n"],
]);

function checkLength(text: string): void {
  if (typeof text !== "string") throw new MetricNameError(typeof text, 0, `want a string, got ${typeof text}`);
  if (text.length > NAME_LENGTH_MAX) {
    throw new MetricNameError(
      text,
      NAME_LENGTH_MAX,
      `want at most ${NAME_LENGTH_MAX} UTF-16 units, got ${text.length}`,
    );
  }
}

function ownLabelProblem(label: string): string {
  return `label "${label}" is written by histograms and summaries themselves`;
}

/** Whether `pattern`, which is sticky, matches all of `text`; its lastIndex says how far it went. */
function isWord(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(text) && pattern.lastIndex === text.length;
}

function makeMetricName(family: string, pairs: [string, string][]): MetricName {
  const labels = formatLabels(pairs);
  return {
    family,
    labels,
    labelNames: pairs.map(([label]) => label).sort(),
    text: labels === "" ? family : `${family}{${labels}}`,
  };
}

class NameReader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAt(char: string): boolean {
    return this.#text[this.#position] === char;
  }

  isAtEnd(): boolean {
    return this.#position === this.#text.length;
  }

  skipSpaces(): void {
    while (this.isAt(" ")) this.#position++;
  }

  /** `pattern` is sticky. */
  readWord(pattern: RegExp, wanted: string): string {
    pattern.lastIndex = this.#position;
    const word = pattern.exec(this.#text)?.[0];
    if (word === undefined) throw this.error(`want ${wanted}, got ${this.describeNext()}`);
    this.#position += word.length;
    return word;
  }

  /** `{a="b", c="d",}`, from the opening to the closing brace. */
  readLabels(): [string, string][] {
    const pairs: [string, string][] = [];
    const seen = new Set<string>();
    this.#expect("{");
    this.skipSpaces();
    while (!this.isAt("}")) {
      const start = this.#position;
      const label = this.readWord(LABEL, "a label name or '}'");
      if (label === "__name__") throw this.error('the name stands before the braces, not in a label "__name__"', start);
      if (seen.has(label)) throw this.error(`label "${label}" occurs twice`, start);
      seen.add(label);
      this.skipSpaces();
      this.#expect("=");
      this.skipSpaces();
      const value = this.#readQuoted();
      // An empty value equals an absent label.
      if (value !== "") pairs.push([label, value]);
      this.skipSpaces();
      if (!this.isAt("}")) this.#expect(",");
      this.skipSpaces();
    }
    this.#expect("}");
    return pairs;
  }

  #readQuoted(): string {
    this.#expect('"');
    let value = "";
    while (!this.isAt('"')) {
      if (this.isAtEnd()) throw this.error("want the closing quote of a label value, got the end");
      let char = this.#text[this.#position] as string;
      if (char === "\n") throw this.error('a line break in a label value is written "\\n"');
      if (char === "\\") {
        const escaped = ESCAPES.get(this.#text[this.#position + 1] ?? "");
        if (escaped === undefined) throw this.error('want one of \\\\ \\" \\n after the backslash');
        char = escaped;
        this.#position++;
      }
      value += char;
      this.#position++;
    }
    if (value.search(LONE_SURROGATE) >= 0) throw this.error("a label value holds half of a surrogate pair");
    this.#expect('"');
    return value;
  }

  #expect(char: string): void {
    if (!this.isAt(char)) throw this.error(`want ${JSON.stringify(char)}, got ${this.describeNext()}`);
    this.#position++;
  }

  describeNext(): string {
    return this.isAtEnd() ? "the end" : JSON.stringify(this.#text[this.#position]);
  }

  error(problem: string, position: number = this.#position): MetricNameError {
    return new MetricNameError(this.#text, position, problem);
  }
}
