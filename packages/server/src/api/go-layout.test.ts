import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compileGoLayout } from "./go-layout.ts";

/** The same layouts in any zone: the zone is the process's. */
function formatIn(zone: string, rows: readonly (readonly [layout: string, timeMs: number])[]): string[] {
  const module = new URL("./go-layout.js", import.meta.url).href;
  const code = `const { compileGoLayout } = await import(${JSON.stringify(module)});
    console.log(JSON.stringify(${JSON.stringify(rows)}.map(([layout, timeMs]) => compileGoLayout(layout)(timeMs))))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    env: { ...process.env, TZ: zone },
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as string[];
}

const AT = Date.UTC(2024, 4, 6, 7, 8, 9, 120);
const RFC = "2006-01-02T15:04:05.999Z07:00";

test("layouts", () => {
  const rows: readonly (readonly [layout: string, wanted: string, timeMs?: number])[] = [
    [RFC, "2024-05-06T07:08:09.12Z"],
    [RFC, "2024-05-06T07:08:09Z", AT - 120],
    [RFC, "1970-01-01T00:00:00.001Z", 1],
    [RFC, "1969-12-31T23:59:59.999Z", -1],
    ["Mon Jan _2 15:04:05 MST 2006", "Mon May  6 07:08:09 UTC 2024"],
    ["Monday, 02-Jan-06 15:04:05 -0700", "Monday, 06-May-24 07:08:09 +0000"],
    ["3:04PM 03:4:5pm", "7:08AM 07:8:9am"],
    ["3PM 03pm 15", "12PM 12pm 12", Date.UTC(2024, 0, 1, 12)],
    ["3PM", "12AM", Date.UTC(2024, 0, 1)],
    ["1/2/06", "5/6/24"],
    ["002 __2 _2006", "127 127 _2024"],
    ["002|__2", "001|  1", Date.UTC(2023, 0, 1)],
    ["002", "366", Date.UTC(2024, 11, 31, 23, 59)],
    ["January Month Janet Jan.", "May Month Janet May."],
    [".000 .000000 .999999 ,00 .0001", ".120 .120000 .12 ,12 .0005"],
    ["5.9", "9", AT - 120],
    ["Z0700 Z07 -07 -07:00:00 Z070000", "Z Z +00 +00:00:00 Z"],
    ["no digits", "no digits"],
    ["", ""],
  ];
  const found = formatIn(
    "UTC",
    rows.map(([layout, , timeMs = AT]) => [layout, timeMs]),
  );
  assert.deepEqual(
    found,
    rows.map(([, wanted]) => wanted),
  );
});

test("zones, and the hours in which they change their offset", () => {
  const zoned = "2006-01-02 15:04:05 Z07:00 -0700 Z07 -070000";
  assert.deepEqual(
    formatIn("Europe/Berlin", [
      [zoned, AT],
      [zoned, Date.UTC(2024, 2, 31, 0, 59, 59)],
      [zoned, Date.UTC(2024, 2, 31, 1)],
    ]),
    [
      "2024-05-06 09:08:09 +02:00 +0200 +02 +020000",
      "2024-03-31 01:59:59 +01:00 +0100 +01 +010000",
      "2024-03-31 03:00:00 +02:00 +0200 +02 +020000",
    ],
  );
  assert.deepEqual(formatIn("Asia/Kathmandu", [[RFC, AT]]), ["2024-05-06T12:53:09.12+05:45"]);
  assert.deepEqual(formatIn("America/St_Johns", [[RFC, AT]]), ["2024-05-06T04:38:09.12-02:30"]);
});

test("times in any order are what a clock of its own says of each", () => {
  const format = compileGoLayout("05.000");
  for (let i = 0; i < 2000; i++) {
    const timeMs = Math.floor(Math.random() * 4e12);
    assert.equal(format(timeMs), new Date(timeMs).toISOString().slice(17, 23), String(timeMs));
  }
});
