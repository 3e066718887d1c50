/**
 * One entry a label text, for at most so many texts: what comes after shares the entry of {@link OTHER}.
 *
 * An OpenTelemetry reader keeps 2,000 attribute sets an instrument and then throws everything new into one set without any of its
 * labels. Folding one label earlier, here, keeps the others honest. tuning's CardinalityLimiter answers a label for a label; this answers
 * the attributes that were made for it, with one look-up.
 */

/** The text under which everything that found no room is counted. */
export const OTHER = "other";
/** The text that stands for a label that was no text at all. */
const INVALID = "(invalid)";
/** UTF-16 units of a label's text that are kept. */
const LABEL_LENGTH_MAX = 200;

export class BoundedTable<T> {
  readonly #entries = new Map<string, T>();
  readonly #sizeMax: number;
  readonly #create: (label: string) => T;
  #other: T | undefined;

  /** `create` makes the entry of a label that is new; it is called once a label, and once for {@link OTHER}. */
  constructor(sizeMax: number, create: (label: string) => T) {
    this.#sizeMax = sizeMax;
    this.#create = create;
  }

  /** Whether `label` has an entry of its own. */
  has(label: unknown): boolean {
    return this.#entries.has(cutLabel(label));
  }

  /** The entry of `label`, made if there is room. Takes anything, throws nothing. */
  get(label: unknown): T {
    const text = cutLabel(label);
    const entry = this.#entries.get(text);
    return entry === undefined ? this.#add(text) : entry;
  }

  #add(text: string): T {
    if (this.#entries.size >= this.#sizeMax || text === OTHER) {
      this.#other ??= this.#create(OTHER);
      return this.#other;
    }
    const label = copyText(text);
    const entry = this.#create(label);
    // Under the text as it came, so that it is found again; the copy may differ in what was no valid Unicode.
    this.#entries.set(text === label ? label : copyUnits(text), entry);
    return entry;
  }
}

/** The start of a text, short enough to be a label; {@link INVALID} for what is no text. Numbers and booleans are written out. */
export function cutLabel(label: unknown): string {
  if (typeof label === "string") return label.length > LABEL_LENGTH_MAX ? label.slice(0, LABEL_LENGTH_MAX) : label;
  if (typeof label === "number" || typeof label === "boolean") return String(label);
  return INVALID;
}

/**
 * The same text in memory of its own, halves of surrogate pairs replaced: a slice would keep alive the whole URL it was cut from,
 * and exporters differ in what they make of text that is not Unicode.
 */
export function copyText(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

function copyUnits(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}
