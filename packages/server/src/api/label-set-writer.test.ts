/** Label sets one after the other, in one piece and in several, against JSON of each alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@nyanza/tsdb";
import fc from "fast-check";
import { writeLabels } from "./answer.ts";
import { JsonWriter } from "./json-writer.ts";
import { LabelSetWriter } from "./label-set-writer.ts";

const text = fc.constantFrom("", "a", "b", "node-exporter", "x".repeat(50), 'qu"ote', "grün", "line\n");

test("every label set is written as if it were alone", () => {
  const labels = fc.tuple(text, text, text, text, text).map(([name, a, b, c, d]) => {
    return Labels.from([
      ["__name__", name],
      ["a", a],
      ["b", b],
      [c === "" ? "c" : c, c],
      ["d", d],
    ]);
  });
  const turn = fc.record({ labels, isPieceEnd: fc.nat(4), other: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 30 }), (turns) => {
      const json = new JsonWriter();
      const writer = new LabelSetWriter(json);
      let got = "";
      let want = "";
      for (const { labels, isPieceEnd, other } of turns) {
        writer.write(labels);
        const alone = new JsonWriter();
        writeLabels(alone, labels);
        want += alone.finish().toString("utf8");
        if (isPieceEnd === 0) got += json.take().toString("utf8");
        if (other === 0) {
          // Points of a series, say.
          json.string("other");
          want += '"other"';
        }
      }
      assert.equal(got + json.finish().toString("utf8"), want);
    }),
    { numRuns: 500 },
  );
});
