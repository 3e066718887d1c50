/**
 * Who sent what, and what was acknowledged: kept by the sender, never asked of the server. Every sample has a value of its own, which says for which
 * series and which time it was sent; so a lost, an invented, a misplaced and a doubled sample all show.
 */
import type { Agent } from "node:http";
import { http } from "./http.ts";
import { type ExportedSeries, exportSeries, seriesKey } from "./query.ts";
import { remoteWrite, seriesOf } from "./remote-write.ts";

/** Values start here, a minute before a month ends: samples go into two partitions. */
const startMs = Date.UTC(2026, 9, 31, 23, 59, 0);
const stepMs = 10;
const seriesPerWriter = 40;

const SENT = 1;
const ACKNOWLEDGED = 2;

export interface DrawnSample {
  readonly series: number;
  readonly timestampMs: number;
  readonly value: number;
}

export class Ledger {
  acknowledged = 0;
  /** When the last of them was sent (ms of performance.now): the server acknowledged it then or later. */
  lastSentMs: number = Number.NEGATIVE_INFINITY;
  /** By value: what became of it, whose it is, and when it was acknowledged (ms of performance.now). */
  private fates = new Uint8Array(1 << 16);
  private owners = new Uint16Array(1 << 16);
  private times = new Float64Array(1 << 16);
  private nextValue = 1;
  private settled = 1;

  /** Values below this have been judged already: `judge` looks at them only when asked for all. */
  get settledBelow(): number {
    return this.settled;
  }

  /** One sample for each of a writer's series. */
  draw(writer: number): DrawnSample[] {
    return Array.from({ length: seriesPerWriter }, (_, series) => {
      const value = this.nextValue++;
      if (value >= this.fates.length) this.grow();
      this.fates[value] = SENT;
      this.owners[value] = writer * seriesPerWriter + series;
      return { series, timestampMs: startMs + value * stepMs, value };
    });
  }

  /** `sentMs` is of performance.now. */
  acknowledge(samples: readonly DrawnSample[], sentMs: number): void {
    this.lastSentMs = Math.max(this.lastSentMs, sentMs);
    const nowMs = performance.now();
    for (const { value } of samples) {
      this.fates[value] = ACKNOWLEDGED;
      this.times[value] = nowMs;
    }
    this.acknowledged += samples.length;
  }

  /** What was drawn so far is judged by `check` for the last time, unless that is asked for all. */
  settle(): void {
    this.settled = this.nextValue;
  }

  /**
   * What is wrong with what the server has, of all samples or of those that are not settled; empty when nothing is. Those acknowledged
   * after `mayLoseFromMs` (of performance.now) may be missing, and are counted in `missing`.
   */
  async check(
    url: string,
    { all = false, mayLoseFromMs = Number.POSITIVE_INFINITY }: { all?: boolean; mayLoseFromMs?: number } = {},
  ): Promise<{ problems: string[]; missing: number }> {
    const from = all ? 1 : this.settled;
    const stored = await exportSeries(url, "ledger", { start: (startMs + from * stepMs) / 1000 });
    const seen = new Uint8Array(this.nextValue);
    const problems: string[] = [];
    for (const [key, series] of stored) this.judgeSeries(key, series, seen, problems);
    let missing = 0;
    for (let value = from; value < this.nextValue; value++) {
      if (this.fates[value] !== ACKNOWLEDGED || seen[value] === 1) continue;
      missing++;
      if ((this.times[value] as number) < mayLoseFromMs) {
        problems.push(
          `${keyOf(this.owners[value] as number)}: ${value} was acknowledged ${Math.round(this.lastSentMs - (this.times[value] as number))} ms before the last one was sent, and is missing`,
        );
      }
    }
    return { problems, missing };
  }

  /** Those that are not there are gone for good: later judgements do not ask for them. */
  async forgetMissing(url: string): Promise<void> {
    const stored = await exportSeries(url, "ledger", { start: (startMs + this.settled * stepMs) / 1000 });
    const seen = new Set<number>();
    for (const { values } of stored.values()) for (const value of values) seen.add(value);
    for (let value = this.settled; value < this.nextValue; value++) if (!seen.has(value)) this.fates[value] = SENT;
  }

  private judgeSeries(key: string, { timestamps, values }: ExportedSeries, seen: Uint8Array, problems: string[]): void {
    for (const [i, value] of values.entries()) {
      const owner = this.owners[value] as number;
      if (!(value > 0 && value < this.nextValue)) problems.push(`${key}: ${value} was never sent`);
      else if (keyOf(owner) !== key) problems.push(`${value} is in ${key}, was sent for ${keyOf(owner)}`);
      else if (timestamps[i] !== startMs + value * stepMs) problems.push(`${key}: ${value} at ${timestamps[i]}`);
      else if (seen[value] === 1) problems.push(`${key}: ${value} is there twice`);
      else seen[value] = 1;
    }
  }

  private grow(): void {
    const larger = <T extends Uint8Array | Uint16Array | Float64Array>(old: T, next: T): T => {
      next.set(old);
      return next;
    };
    const length = this.fates.length * 2;
    this.fates = larger(this.fates, new Uint8Array(length));
    this.owners = larger(this.owners, new Uint16Array(length));
    this.times = larger(this.times, new Float64Array(length));
  }
}

const keys: string[] = [];

function keyOf(owner: number): string {
  keys[owner] ??= seriesKey(labelsOf(Math.floor(owner / seriesPerWriter), owner % seriesPerWriter));
  return keys[owner];
}

function labelsOf(writer: number, series: number): Record<string, string> {
  return { __name__: "ledger", writer: String(writer), series: String(series) };
}

/** Status of the answer. */
type Send = (url: string, agent: Agent, writer: number, samples: readonly DrawnSample[]) => Promise<number>;

/** One way to write a protocol. Each writer sends by another one. */
const SENDERS: readonly Send[] = [
  async (url, agent, writer, samples) => {
    const series = samples.map(({ series: i, timestampMs, value }) =>
      seriesOf("ledger", { series: String(i), writer: String(writer) }, [[timestampMs, value]]),
    );
    return (await remoteWrite(url, series, { agent })).status;
  },
  async (url, agent, writer, samples) => {
    const lines = samples.map(({ series, timestampMs, value }) =>
      JSON.stringify({ metric: labelsOf(writer, series), values: [value], timestamps: [timestampMs] }),
    );
    return (await http(`${url}/api/v1/import`, { body: `${lines.join("\n")}\n`, agent })).status;
  },
  async (url, agent, writer, samples) => {
    const lines = samples.map(
      ({ series, timestampMs, value }) => `ledger{writer="${writer}",series="${series}"} ${value} ${timestampMs}`,
    );
    return (await http(`${url}/api/v1/import/prometheus`, { body: `${lines.join("\n")}\n`, agent })).status;
  },
  async (url, agent, writer, samples) => {
    const dataPoints = samples.map(({ series, timestampMs, value }) => ({
      attributes: [
        { key: "writer", value: { stringValue: String(writer) } },
        { key: "series", value: { stringValue: String(series) } },
      ],
      timeUnixNano: `${timestampMs}000000`,
      asDouble: value,
    }));
    const body = JSON.stringify({
      resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "ledger", gauge: { dataPoints } }] }] }],
    });
    const headers = { "content-type": "application/json" };
    const { status } = await http(`${url}/opentelemetry/v1/metrics`, { body, headers, agent });
    return status === 200 ? 204 : status;
  },
];

export interface Writing {
  /** Answers other than 204, by status. */
  readonly refusals: Map<number, number>;
  /** Answers that come from now on acknowledge nothing. */
  ignoreAnswers(): void;
  /** Sends nothing more; resolves when the last answer is there. */
  stop(): Promise<void>;
}

/** Four writers, each by another protocol, write until stopped or until the server is gone. After a refusal they wait `pauseMs`. */
export function startWriting(url: string, ledger: Ledger, agent: Agent, pauseMs = 20): Writing {
  let isOn = true;
  let isHeard = true;
  const refusals = new Map<number, number>();
  const write = async (send: Send, writer: number): Promise<void> => {
    while (isOn) {
      const samples = ledger.draw(writer);
      const sentMs = performance.now();
      const status = await send(url, agent, writer, samples).catch(() => 0);
      if (status === 204 && isHeard) ledger.acknowledge(samples, sentMs);
      else if (status === 0 || !isHeard) break;
      else {
        refusals.set(status, (refusals.get(status) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  };
  const done = Promise.all(SENDERS.map(write));
  return {
    refusals,
    ignoreAnswers() {
      isHeard = false;
    },
    async stop() {
      isOn = false;
      await done;
    },
  };
}
