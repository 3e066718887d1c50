import assert from "node:assert/strict";
import { test } from "node:test";
import { createLoggers, type LoggerOptions, limitWarnings } from "./logger.ts";

function collect(options: Partial<LoggerOptions>): { lines: string[]; loggers: ReturnType<typeof createLoggers> } {
  const lines: string[] = [];
  const loggers = createLoggers({
    level: "INFO",
    format: "default",
    timezone: "UTC",
    hasTimestamps: true,
    errorsPerSecond: 0,
    warnsPerSecond: 0,
    output: { write: (line) => lines.push(line) },
    now: () => Date.UTC(2024, 0, 2, 3, 4, 5, 67),
    ...options,
  });
  return { lines, loggers };
}

test("default format is VictoriaMetrics'", () => {
  const { lines, loggers } = collect({});
  loggers("http/server.ts").info("started");
  loggers("x.ts").error("bad\nline\u001b[31m");
  assert.deepEqual(lines, [
    "2024-01-02T03:04:05.067Z\tinfo\tnyanza/http/server.ts\tstarted\n",
    "2024-01-02T03:04:05.067Z\terror\tnyanza/x.ts\tbad\\nline\\u001b[31m\n",
  ]);
});

test("json format has VictoriaMetrics' fields", () => {
  const { lines, loggers } = collect({ format: "json" });
  loggers("x.ts").warn('say "hi"');
  assert.deepEqual(JSON.parse(lines[0] as string), {
    level: "warn",
    ts: "2024-01-02T03:04:05.067Z",
    caller: "nyanza/x.ts",
    msg: 'say "hi"',
  });
});

test("time zones, and no timestamps", () => {
  const berlin = collect({ timezone: "Europe/Berlin" });
  berlin.loggers("x").info("m");
  assert.match(berlin.lines[0] as string, /^2024-01-02T04:04:05\.067\+0100\t/);
  const none = collect({ hasTimestamps: false });
  none.loggers("x").info("m");
  assert.equal(none.lines[0], "info\tnyanza/x\tm\n");
  assert.throws(() => collect({ timezone: "Mars/Olympus" }), RangeError);
});

test("levels and limits", () => {
  const counted: string[] = [];
  const { lines, loggers } = collect({
    level: "WARN",
    warnsPerSecond: 2,
    onMessage: (level, _place, isPrinted) => counted.push(`${level} ${isPrinted}`),
  });
  const log = loggers("x");
  log.info("hidden");
  for (let i = 0; i < 4; i++) log.warn(`w${i}`);
  assert.equal(lines.length, 2);
  assert.match(lines[1] as string, /suppressing further messages/);
  assert.deepEqual(counted, ["info false", "warn true", "warn true", "warn false", "warn false"]);
  const all = collect({});
  const limited = limitWarnings(all.loggers("y"), 1, () => 0);
  for (let i = 0; i < 5; i++) limited.warn("w");
  assert.equal(all.lines.length, 1);
});

test("long messages are cut", () => {
  const { lines, loggers } = collect({});
  loggers("x").info("a".repeat(100_000));
  assert.ok((lines[0] as string).length < 6000);
});
