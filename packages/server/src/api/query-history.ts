/**
 * The latest queries, for statistics: a ring of records, the oldest give way. A text that comes again and again is kept once, and what all
 * texts take is bounded as well: ten thousand different queries of 16 KiB each would otherwise be 300 MB that nobody asked for.
 */

export interface QueryHistoryOptions {
  /** 0 keeps nothing. */
  readonly recordsMax: number;
  /** Shorter and smaller queries are not kept. */
  readonly minDurationMs: number;
  readonly minMemoryBytes: number;
  /** Characters of all texts together. */
  readonly charsMax?: number;
}

export interface QueryRecord {
  readonly text: string;
  /** From the first to the last time asked for; 0 for an instant query. */
  readonly rangeMs: number;
  /** When it had ended, milliseconds since 1970. */
  readonly endedMs: number;
  readonly durationMs: number;
  readonly memoryBytes: number;
}

/** All records of one text over one length of time. */
export interface QueryTotals {
  readonly text: string;
  readonly rangeSeconds: number;
  readonly count: number;
  /** Sums. */
  readonly durationMs: number;
  readonly memoryBytes: number;
}

/** 16 MB where texts are not all Latin-1. */
const CHARS_MAX = 8 << 20;

/** What is asked, with the records that ask it. */
interface Question {
  readonly key: string;
  readonly text: string;
  readonly rangeSeconds: number;
  records: number;
}

export class QueryHistory {
  readonly #options: QueryHistoryOptions;
  readonly #charsMax: number;
  readonly #questions = new Map<string, Question>();
  /** Columns of the ring, as long as it has ever been. */
  readonly #asked: (Question | null)[] = [];
  readonly #endedMs: number[] = [];
  readonly #durationMs: number[] = [];
  readonly #memoryBytes: number[] = [];
  /** Where the oldest record is, and how many there are. */
  #first = 0;
  #count = 0;
  #chars = 0;

  constructor(options: QueryHistoryOptions) {
    this.#options = options;
    this.#charsMax = options.charsMax ?? CHARS_MAX;
  }

  /** Records kept. */
  get size(): number {
    return this.#count;
  }

  add({ durationMs, endedMs, memoryBytes, rangeMs, text }: QueryRecord): void {
    const { minDurationMs, minMemoryBytes, recordsMax } = this.#options;
    if (recordsMax === 0 || durationMs < minDurationMs || memoryBytes < minMemoryBytes) return;
    if (this.#count === recordsMax) this.#drop();
    const question = this.#find(text, Math.floor(rangeMs / 1000));
    question.records += 1;
    const at = (this.#first + this.#count) % recordsMax;
    this.#asked[at] = question;
    this.#endedMs[at] = endedMs;
    this.#durationMs[at] = durationMs;
    this.#memoryBytes[at] = memoryBytes;
    this.#count += 1;
    while (this.#chars > this.#charsMax) this.#drop();
  }

  /** Of the records that ended at `sinceMs` or later. */
  totals(sinceMs: number): QueryTotals[] {
    const totals = new Map<Question, { -readonly [Name in keyof QueryTotals]: QueryTotals[Name] }>();
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#first + i) % this.#options.recordsMax;
      if ((this.#endedMs[at] as number) < sinceMs) continue;
      const question = this.#asked[at] as Question;
      let sum = totals.get(question);
      if (sum === undefined) {
        const { rangeSeconds, text } = question;
        sum = { text, rangeSeconds, count: 0, durationMs: 0, memoryBytes: 0 };
        totals.set(question, sum);
      }
      sum.count += 1;
      sum.durationMs += this.#durationMs[at] as number;
      sum.memoryBytes += this.#memoryBytes[at] as number;
    }
    return [...totals.values()];
  }

  #find(text: string, rangeSeconds: number): Question {
    const key = `${rangeSeconds} ${text}`;
    const known = this.#questions.get(key);
    if (known !== undefined) return known;
    // Cut out of the key, not what was given: that may be a piece of a whole request.
    const question = { key, text: key.slice(key.length - text.length), rangeSeconds, records: 0 };
    this.#questions.set(key, question);
    this.#chars += key.length;
    return question;
  }

  #drop(): void {
    const question = this.#asked[this.#first] as Question;
    this.#asked[this.#first] = null;
    this.#first = (this.#first + 1) % this.#options.recordsMax;
    this.#count -= 1;
    question.records -= 1;
    if (question.records > 0) return;
    this.#questions.delete(question.key);
    this.#chars -= question.key.length;
  }
}
