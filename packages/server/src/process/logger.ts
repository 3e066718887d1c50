/**
 * Logs through pino, printed the way VictoriaMetrics prints them:
 *
 *   2024-01-01T00:00:00.000Z<TAB>info<TAB>nyanza/http/server.ts<TAB>message
 *   {"level":"info","ts":"2024-01-01T00:00:00.000Z","caller":"nyanza/http/server.ts","msg":"message"}
 *
 * A logger belongs to one place of the code. Messages are one line: control characters of what strangers sent are escaped.
 */
import { type DestinationStream, pino } from "pino";

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Loggers by place of the code, `http/server.ts`. */
export type LoggerFor = (place: string) => Logger;

export type LogLevel = "info" | "warn" | "error";

export interface LoggerOptions {
  /** INFO, WARN, ERROR, FATAL or PANIC. */
  readonly level: string;
  readonly format: "default" | "json";
  /** IANA name or Local. */
  readonly timezone: string;
  readonly hasTimestamps: boolean;
  /** Messages a second and place; 0 means no limit. */
  readonly errorsPerSecond: number;
  readonly warnsPerSecond: number;
  /** Takes finished lines. */
  readonly output: { write(line: string): void };
  /** Told of every message, also of those not printed. */
  readonly onMessage?: (level: LogLevel, place: string, isPrinted: boolean) => void;
  readonly now?: () => number;
}

/** Nothing longer is logged: a message may quote what a stranger sent. */
const MESSAGE_LENGTH_MAX = 5000;

const LEVELS: ReadonlyMap<string, string> = new Map([
  ["INFO", "info"],
  ["WARN", "warn"],
  ["ERROR", "error"],
  ["FATAL", "fatal"],
  ["PANIC", "fatal"],
]);

/** @throws RangeError for a time zone that does not exist. */
export function createLoggers(options: LoggerOptions): LoggerFor {
  const now = options.now ?? Date.now;
  const formatTime = timeFormatter(options.timezone);
  const write = (line: string): void => options.output.write(line);
  const destination: DestinationStream =
    options.format === "json" ? { write } : { write: (line) => write(toTabs(line, options.hasTimestamps)) };
  const root = pino(
    {
      base: null,
      level: LEVELS.get(options.level) ?? "info",
      timestamp: options.hasTimestamps ? () => `,"ts":"${formatTime(now())}"` : false,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const limits = { info: 0, warn: options.warnsPerSecond, error: options.errorsPerSecond };

  return (place) => {
    const caller = `nyanza/${place}`;
    const child = root.child({ caller });
    const limiters = new Map<LogLevel, RateLimit>();
    const log = (level: LogLevel, message: string): void => {
      let isPrinted = child.isLevelEnabled(level);
      let text = oneLine(message);
      if (isPrinted && limits[level] > 0) {
        const limiter = limiters.get(level) ?? new RateLimit(limits[level]);
        limiters.set(level, limiter);
        const verdict = limiter.take(now());
        isPrinted = verdict !== "drop";
        if (verdict === "last") text = `suppressing further messages of this second (limit ${limits[level]}): ${text}`;
      }
      if (isPrinted) child[level](text);
      options.onMessage?.(level, caller, isPrinted);
    };
    return {
      info: (message) => log("info", message),
      warn: (message) => log("warn", message),
      error: (message) => log("error", message),
    };
  };
}

/** At most `perSecond` of something in each second. */
export class RateLimit {
  readonly #perSecond: number;
  #second = 0;
  #count = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** `last` is the one after which the rest of the second is dropped. */
  take(nowMs: number): "pass" | "last" | "drop" {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count > this.#perSecond) return "drop";
    return this.#count === this.#perSecond ? "last" : "pass";
  }
}

/** A logger whose warnings about bad input are limited: a sender of garbage must not fill the disk with logs. */
export function limitWarnings(logger: Logger, perSecond: number, now: () => number = Date.now): Logger {
  const limit = new RateLimit(perSecond);
  return {
    info: (message) => logger.info(message),
    error: (message) => logger.error(message),
    warn: (message) => {
      if (limit.take(now()) !== "drop") logger.warn(message);
    },
  };
}

function toTabs(line: string, hasTimestamps: boolean): string {
  const { level, ts, caller, msg } = JSON.parse(line) as { level: string; ts: string; caller: string; msg: string };
  return `${hasTimestamps ? `${ts}\t` : ""}${level}\t${caller}\t${msg}\n`;
}

/** Keeps what strangers sent from forging log lines or driving the terminal. */
function oneLine(message: string): string {
  const text =
    message.length > MESSAGE_LENGTH_MAX
      ? `${message.slice(0, MESSAGE_LENGTH_MAX / 2)}..${message.slice(-MESSAGE_LENGTH_MAX / 2)}`
      : message;
  return text.trimEnd().replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    if (character === "\n") return "\\n";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** `2006-01-02T15:04:05.000Z` in UTC, with `+0200` in place of `Z` elsewhere. */
function timeFormatter(timezone: string): (ms: number) => string {
  if (timezone === "UTC" || timezone === "Etc/UTC") return (ms) => new Date(ms).toISOString();
  const zone = timezone === "Local" ? Intl.DateTimeFormat().resolvedOptions().timeZone : timezone;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "longOffset",
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map((part) => [part.type, part.value]));
    const get = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
    const offset = get("timeZoneName").replace("GMT", "").replace(":", "");
    const milliseconds = String((((ms % 1000) + 1000) % 1000) | 0).padStart(3, "0");
    const date = `${get("year")}-${get("month")}-${get("day")}`;
    return `${date}T${get("hour")}:${get("minute")}:${get("second")}.${milliseconds}${offset === "" ? "Z" : offset}`;
  };
}
