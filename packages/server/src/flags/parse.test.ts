import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatHelp } from "./help.ts";
import { FlagError, type FlagTable, nearestName, parseFlags } from "./parse.ts";
import { Secret } from "./secret.ts";
import { FLAGS } from "./table.ts";
import { FlagValueError, parseAge, parseFlagDuration, parseList, parseRetention, parseSize } from "./values.ts";

const DAY_MS = 86_400_000;

test("parseFlagDuration", () => {
  const same = (text: string, ms: number) => assert.equal(parseFlagDuration(text), ms, text);
  same("0", 0);
  same("30s", 30_000);
  same("1h5m", 3_900_000);
  same("1.5s", 1500);
  same("250ms", 250);
  same("7d", 7 * DAY_MS);
  same("-5m", -300_000);
  for (const text of ["", "5", "s", "1x", "1h5", "5 m", "-"]) {
    assert.throws(() => parseFlagDuration(text), FlagValueError, text);
  }
});

test("parseAge", () => {
  const same = (text: string, ms: number) => assert.equal(parseAge(text), ms, text);
  same("0", 0);
  same("2s", 2_000);
  same("3d", 3 * DAY_MS);
  same("1", 31 * DAY_MS);
  same("2M", 62 * DAY_MS);
  same("1.5h", 5_400_000);
  for (const text of ["", "-1d", "1x", "M"]) assert.throws(() => parseAge(text), FlagValueError, text);
});

test("parseRetention", () => {
  const same = (text: string, days: number) => assert.equal(parseRetention(text), days * DAY_MS, text);
  same("1", 31);
  same("12", 372);
  same("1M", 31);
  same("1.5", 46.5);
  same("24h", 1);
  same("90d", 90);
  same("8w", 56);
  same("2y", 730);
  same("100y", 36_500);
  for (const text of ["", "0", "1h", "101y", "1m", "-1", "1200000000"]) {
    assert.throws(() => parseRetention(text), FlagValueError, text);
  }
});

test("parseSize", () => {
  const same = (text: string, bytes: number) => assert.equal(parseSize(text), bytes, text);
  same("0", 0);
  same("33554432", 33_554_432);
  same("32MiB", 33_554_432);
  same("1.5GB", 1_500_000_000);
  same("1kib", 1024);
  same("2TB", 2e12);
  for (const text of ["", "-1", "1 MB", "1B", "MB"]) assert.throws(() => parseSize(text), FlagValueError, text);
});

test("parseList", () => {
  const same = (text: string, items: string[]) => assert.deepEqual(parseList(text), items, text);
  same("a", ["a"]);
  same("a,b", ["a", "b"]);
  same('"a,b",c', ["a,b", "c"]);
  same("'x'", ["x"]);
  same('{a="b",c="d}\\",\'"}:1d:5m,30d:1h', ['{a="b",c="d}\\",\'"}:1d:5m', "30d:1h"]);
  same("{a=~'(x,y)'}:1d,[::1]:80,f(a,b),c", ["{a=~'(x,y)'}:1d", "[::1]:80", "f(a,b)", "c"]);
  same("(a,b", ["(a", "b"]);
  same("a},b", ["a}", "b"]);
  assert.throws(() => parseList('"a'), FlagValueError);
});

test("forms of a flag", () => {
  const read = (...args: string[]) => parseFlags(FLAGS, args, {}).values;
  for (const args of [
    ["-retentionPeriod=2y"],
    ["--retentionPeriod=2y"],
    ["-retentionPeriod", "2y"],
    ["--retentionPeriod", "2y"],
    ["-retentionPeriod=1d", "-retentionPeriod=2y"],
  ]) {
    assert.equal(read(...args).retentionPeriod, 730 * DAY_MS, args.join(" "));
  }
  assert.equal(read("-dryRun").dryRun, true);
  assert.equal(read("-dryRun=false").dryRun, false);
  assert.equal(read("-h").help, true);
  assert.deepEqual(read().httpListenAddr, [":8428"]);
  assert.deepEqual(read("-httpListenAddr=:1,:2", "-httpListenAddr", ":3").httpListenAddr, [":1", ":2", ":3"]);
  assert.equal(read("-maxInsertRequestSize=1MiB").maxInsertRequestSize, 1_048_576);
  assert.equal(read()["search.maxQueryLen"], 16_384);
  assert.deepEqual(read()["opentelemetry.ignoreResourceAttributes"], []);
});

test("every default is valid and every flag is described", () => {
  const { texts } = parseFlags(FLAGS, [], {});
  const help = formatHelp(FLAGS, "0");
  for (const [name, spec] of Object.entries(FLAGS as FlagTable)) {
    assert.ok(spec.description.length > 10, name);
    assert.ok(help.includes(`  -${name}`), name);
    assert.equal(texts.get(name), spec.default, name);
  }
});

test("refusals are one clear line", () => {
  const refusal = (...args: string[]): string => {
    try {
      parseFlags(FLAGS, args, {});
    } catch (error) {
      assert.ok(error instanceof FlagError, String(error));
      assert.ok(!error.message.includes("\n"));
      return error.message;
    }
    return assert.fail(`accepted ${args.join(" ")}`);
  };
  assert.match(refusal("-storageDatapath=x"), /unknown flag -storageDatapath, did you mean -storageDataPath\?/);
  assert.match(refusal("-latencyOffset=1s"), /did you mean -search\.latencyOffset\?/);
  assert.match(refusal("-httpListenAdr=:1"), /did you mean -httpListenAddr\?/);
  assert.match(refusal("-__proto__=1"), /unknown flag/);
  assert.match(refusal("-constructor=1"), /unknown flag/);
  assert.match(refusal("-zzzzzzzzzzzz"), /unknown flag -zzzzzzzzzzzz See -help/);
  assert.match(refusal("-storageDataPath"), /want a value/);
  assert.match(refusal("-dryRun", "false"), /unexpected argument "false"/);
  assert.match(refusal("-wal.fsync=often"), /flag -wal\.fsync: want one of always, interval, never, got "often"/);
  assert.match(refusal("-retentionPeriod=200y"), /flag -retentionPeriod: want a retention of at most 100y/);
  assert.match(refusal("-futureRetention=1d"), /flag -futureRetention: want at least 2d, got "1d"/);
  assert.match(refusal("-snapshotsMaxAge=-1d"), /flag -snapshotsMaxAge: want an age/);
  assert.match(refusal("-memory.allowedPercent=0"), /from 1 to 100/);
  assert.match(refusal("-maxInsertRequestSize=0"), /at least 1/);
  assert.match(refusal("-="), /unexpected argument/);
  assert.match(refusal("x"), /unexpected argument/);
});

test("environment", () => {
  const environment = { DIR: "/data", storageDataPath: "/env", N_search_maxQueryLen: "1KB", N_loggerLevel: "WARN" };
  const read = (...args: string[]) => parseFlags(FLAGS, args, environment).values;
  assert.equal(read("-storageDataPath=%{DIR}/x").storageDataPath, "/data/x");
  assert.equal(read().storageDataPath, "victoria-metrics-data");
  assert.equal(read("-envflag.enable").storageDataPath, "/env");
  assert.equal(read("-envflag.enable", "-storageDataPath=a").storageDataPath, "a");
  assert.equal(read("-envflag.enable", "-envflag.prefix=N_")["search.maxQueryLen"], 1000);
  assert.throws(
    () => read("-storageDataPath=%{NONE}"),
    /flag -storageDataPath: environment variable "NONE" is not set/,
  );
  assert.throws(() => read("-storageDataPath=%{__proto__}"), FlagError);
});

test("secrets are read from files, re-read, and never shown", () => {
  const folder = mkdtempSync(join(tmpdir(), "secret-"));
  try {
    const path = join(folder, "password");
    writeFileSync(path, "one\n");
    const { values, texts } = parseFlags(FLAGS, [`-httpAuth.password=file://${path}`], {});
    assert.equal(values["httpAuth.password"].get(), "one");
    writeFileSync(path, "two\n");
    assert.equal(values["httpAuth.password"].get(Date.now() + 5000), "two");
    assert.equal(texts.get("httpAuth.password"), "secret");
    assert.equal(JSON.stringify(values["httpAuth.password"]), '"secret"');
    assert.throws(() => new Secret(`file://${path}.none`), FlagValueError);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("nearestName", () => {
  assert.equal(nearestName("retentionperiod", ["retentionPeriod", "x"]), "retentionPeriod");
  assert.equal(nearestName("qqq", ["retentionPeriod"]), "");
});
