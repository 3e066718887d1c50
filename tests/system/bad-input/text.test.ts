/** Lines for /api/v1/import/prometheus that are no samples: each stands between two good ones, which must survive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  askSeconds,
  attack,
  type Case,
  countInvalidRows,
  either,
  refused,
  sampleMs,
  taken,
} from "../support/attack.ts";
import { exportSeries, queryInstant } from "../support/query.ts";
import { scoped } from "../support/scope.ts";

const bad: readonly string[] = `
a{b="c" 1
a{b="c} 1
a{b=c} 1
a{b} 1
a{b=} 1
a{="c"} 1
a"b" 1
a{
}
a
a b
a 1 2 3 4
a 1 x
a 0xZZ
a --1
a 1e
a +-Inf
<html><body>502 Bad Gateway</body></html>
{"status":"error"}
`
  .trim()
  .split("\n");

/** May be taken or left out, but must do no harm. */
const odd: readonly string[] = String.raw`
odd{b="\x"} 1
odd{b="1",b="2"} 1
odd{__name__="x"} 1
odd{__proto__="x"} 1
{"odd a.b",c="d"} 1
{} 1
a{b="c",,} 1
odd 0x1p-2
odd 1_000
odd Nan
odd nan
odd -inf
odd 1e400
odd -1e400
odd 1 1e18
odd 1 -1
odd 1 99999999999999999999
odd 1 # {a="b"} 1 1
# TYPE odd counter
# TYPE odd gauge
# TYPE odd
# HELP
# EOF
#
`
  .trim()
  .split("\n")
  .concat(
    "odd\t1",
    "odd  1  ",
    "odd\r",
    "odd 1\r",
    "\0",
    `odd{b="${"x".repeat(5000)}"} 1`,
    `odd 1 # {a="${"e".repeat(500)}"} 1`,
    `odd{${Array.from({ length: 200 }, (_, i) => `l${i}="x"`).join(",")}} 1`,
  );

const gzip = { "content-encoding": "gzip" };

const bodies: readonly Case[] = [
  either("empty body", ""),
  taken("newlines only", "\n\n\r\n\n"),
  taken("byte order mark", `\ufeffodd 1 ${sampleMs}\n`),
  taken("no newline at the end", `good{n="last"} 1 ${sampleMs}`),
  either("a line of 20 MB", `odd{b="${"x".repeat(20 << 20)}"} 1\n`),
  taken("bytes that are no text", Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xc3, 0x28, 0x20, 0x31, 0x0a])),
  either("gzip of gzip", gzipSync(gzipSync("odd 1\n")), gzip),
  refused(
    "gzip header, then text",
    Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), Buffer.from("odd 1\n")]),
    gzip,
  ),
  refused("text that says it is gzip", "odd 1\n", gzip),
  refused("gzip cut off", gzipSync("odd 1\n".repeat(10_000)).subarray(0, 60), gzip),
  either("gzip bomb of one line", gzipSync(Buffer.alloc(512 << 20, 0x61)), gzip),
  either("gzip bomb of newlines", gzipSync(Buffer.alloc(64 << 20, 0x0a)), gzip),
];

test(
  "bad input: text exposition",
  { timeout: 180_000 },
  scoped(async (scope) => {
    const good = (n: number, side: string): string => `good{n="${n}",side="${side}"} ${n} ${sampleMs}`;
    const lines = [...bad, ...odd].map((line, n) =>
      taken(JSON.stringify(line.slice(0, 60)), `${good(n, "left")}\n${line}\n${good(n, "right")}\n`),
    );
    const { url } = await attack(scope, "/api/v1/import/prometheus", [...lines, ...bodies]);
    const stored = await exportSeries(url, 'good{side!=""}');
    assert.equal(stored.size, 2 * lines.length, "the good lines beside each bad one");
    assert.equal((await queryInstant(url, 'good{n="last"}', askSeconds)).length, 1);
    const counted = await countInvalidRows(url);
    assert.ok(counted >= bad.length, `${counted} rows counted as invalid of ${bad.length}`);
  }),
);
