import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@nyanza/tsdb";
import { formatSeriesName, type NameEscaping, negotiateEscaping } from "./series-text.ts";

test("formatSeriesName", () => {
  const same = (labels: readonly [string, string][], escaping: NameEscaping, text: string): void =>
    assert.equal(formatSeriesName(Labels.from(labels), escaping), text);
  const plain: [string, string][] = [
    ["__name__", "up"],
    ["job", 'a"b\\c\nd\te'],
  ];
  for (const escaping of ["none", "underscores", "allow-utf-8"] as const) {
    same(plain, escaping, 'up{job="a\\"b\\\\c\\nd\te"}');
    same([["__name__", "a:b_c9"]], escaping, "a:b_c9");
    same([["job", "x"]], escaping, '{job="x"}');
    same([], escaping, "{}");
  }
  const odd: [string, string][] = [
    ["__name__", "9a.b-🦆"],
    ["c:d", "e"],
    ["7", "f"],
    ["g", "h"],
  ];
  same(odd, "none", '9a.b-🦆{7="f",c:d="e",g="h"}');
  // One underscore for a character, however many bytes it has.
  same(odd, "underscores", '_a_b__{_="f",c_d="e",g="h"}');
  same(odd, "allow-utf-8", '{"9a.b-🦆","7"="f","c:d"="e",g="h"}');
  same([["__name__", 'a"\\\n']], "allow-utf-8", '{"a\\"\\\\\\n"}');
});

test("negotiateEscaping", () => {
  const same = (accept: string | undefined, escaping: NameEscaping): void =>
    assert.equal(negotiateEscaping(accept), escaping, accept);
  same(undefined, "none");
  same("", "none");
  same("*/*", "none");
  same("text/plain;version=0.0.4", "none");
  same("text/plain; version=1.0.0; escaping=allow-utf-8", "allow-utf-8");
  same("text/plain;escaping=underscores", "underscores");
  same("TEXT/PLAIN; Escaping=Allow-UTF-8", "allow-utf-8");
  same("text/plain;escaping=values", "underscores");
  same("application/openmetrics-text;escaping=allow-utf-8", "none");
  same("text/plain;escaping=allow-utf-8;q=0", "none");
  same("text/plain;escaping=allow-utf-8;q=x", "none");
  same("text/plain;escaping=underscores;q=0.3,text/plain;escaping=allow-utf-8;q=0.4", "allow-utf-8");
  // What Prometheus 3 sends.
  same(
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    "allow-utf-8",
  );
});
