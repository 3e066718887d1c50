/**
 * A CPU profile in the format of Go's pprof (github.com/google/pprof, proto/profile.proto), which `go tool pprof` and those who collect
 * profiles read.
 *
 *   V8's tree of calls                     pprof's lists
 *   node ─▶ callFrame                      function: name, file, first line
 *     └─ node ─▶ callFrame        ─▶       location: a function, by number
 *          └─ node (seen n times)          sample: locations from the leaf to the root, [n, nanoseconds], its thread
 *
 * Texts are numbers in a table of strings, whose first is empty. Times in which the thread slept are left out, as Go does.
 */
import { gzipSync } from "node:zlib";
import type { CpuProfile } from "./cpu-profile.ts";

type Node = CpuProfile["nodes"][number];

const IDLE = "(idle)";
const ROOT = "(root)";

/** What one thread did. */
export interface ThreadProfile {
  /** Samples have it as the label `thread`. */
  readonly thread: string;
  readonly profile: CpuProfile;
}

/** Of several threads at the same time. Compressed, as pprof files are. `endedMs`: milliseconds since 1970. */
export function encodePprof(threads: readonly ThreadProfile[], endedMs: number): Buffer {
  const strings = new Strings();
  const durationUs = Math.max(0, ...threads.map(({ profile }) => profile.endTime - profile.startTime));
  const looks = threads[0]?.profile.samples?.length ?? 0;
  const message = new Message();
  message.message(1, valueType(strings, "samples", "count"));
  message.message(1, valueType(strings, "cpu", "nanoseconds"));
  const locations = new Locations(strings);
  for (const { profile, thread } of threads) {
    const label = new Message().number(1, strings.find("thread")).number(2, strings.find(thread));
    const parents = parentsOf(profile.nodes);
    for (const { node, seen, us } of countSamples(profile)) {
      const stack: number[] = [];
      for (let at: Node | undefined = node; at !== undefined; at = parents.get(at.id)) {
        if (at.callFrame.functionName !== ROOT) stack.push(locations.find(at.callFrame));
      }
      if (stack.length === 0) continue;
      message.message(
        2,
        new Message()
          .packed(1, stack)
          .packed(2, [seen, us * 1000])
          .message(3, label),
      );
    }
  }
  message.append(locations.message);
  const period = valueType(strings, "cpu", "nanoseconds");
  for (const text of strings.list) message.text(6, text);
  message.number(9, (endedMs - durationUs / 1000) * 1e6);
  message.number(10, durationUs * 1000);
  message.message(11, period);
  message.number(12, looks > 0 ? (durationUs * 1000) / looks : 0);
  return gzipSync(message.finish());
}

/** How often each node was seen on top, and for how long: from each look to the next. */
function countSamples({
  nodes,
  samples = [],
  timeDeltas = [],
}: CpuProfile): { node: Node; seen: number; us: number }[] {
  const counts = new Map(nodes.map((node) => [node.id, { node, seen: 0, us: 0 }]));
  for (let i = 0; i < samples.length; i++) {
    const count = counts.get(samples[i] as number);
    if (count === undefined) continue;
    count.seen += 1;
    // V8's clock may step back by a few microseconds.
    count.us += Math.max(0, timeDeltas[i + 1] ?? 0);
  }
  return [...counts.values()].filter(({ node, seen }) => seen > 0 && node.callFrame.functionName !== IDLE);
}

function parentsOf(nodes: readonly Node[]): Map<number, Node> {
  const parents = new Map<number, Node>();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  return parents;
}

function valueType(strings: Strings, type: string, unit: string): Message {
  return new Message().number(1, strings.find(type)).number(2, strings.find(unit));
}

class Strings {
  readonly list: string[] = [""];
  readonly #numbers = new Map<string, number>([["", 0]]);

  find(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.list.length);
    return this.list.push(text) - 1;
  }
}

/** A location is a function here: V8 does not tell of callers in which line they are. */
class Locations {
  readonly message: Message = new Message();
  readonly #strings: Strings;
  readonly #numbers = new Map<string, number>();

  constructor(strings: Strings) {
    this.#strings = strings;
  }

  /** Of all threads: each numbers its scripts for itself. */
  find({ functionName, lineNumber, columnNumber, url }: Node["callFrame"]): number {
    const key = `${lineNumber}:${columnNumber}:${functionName}:${url}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(key, number);
    // V8 counts lines from 0, and has -1 where there is none.
    const line = Math.max(0, lineNumber + 1);
    const name = this.#strings.find(functionName === "" ? "(anonymous)" : functionName);
    const described = new Message().number(1, number).number(2, name).number(3, name);
    this.message.message(5, described.number(4, this.#strings.find(url)).number(5, line));
    this.message.message(
      4,
      new Message().number(1, number).message(4, new Message().number(1, number).number(2, line)),
    );
    return number;
  }
}

/** Protobuf's bytes of one message, as its fields are given. */
class Message {
  #bytes: Buffer = Buffer.allocUnsafe(64);
  #length = 0;

  /** Whole numbers below 2^63; zero is left out, as is usual. */
  number(field: number, value: number): this {
    if (value >= 1) this.#varint(field * 8).#varint(value);
    return this;
  }

  text(field: number, text: string): this {
    return this.#field(field, Buffer.from(text));
  }

  message(field: number, message: Message): this {
    return this.#field(field, message.finish());
  }

  packed(field: number, values: readonly number[]): this {
    const inner = new Message();
    for (const value of values) inner.#varint(value);
    return this.#field(field, inner.finish());
  }

  /** The fields of `other`, as if they were of this one. */
  append(other: Message): this {
    return this.#put(other.finish());
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #field(field: number, bytes: Buffer): this {
    return this.#varint(field * 8 + 2)
      .#varint(bytes.length)
      .#put(bytes);
  }

  #varint(value: number): this {
    this.#reserve(10);
    let rest = Math.floor(value);
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  #put(bytes: Buffer): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#length + more));
    larger.set(this.finish());
    this.#bytes = larger;
  }
}
