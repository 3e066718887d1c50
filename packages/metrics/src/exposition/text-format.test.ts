import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { sources } from "./arbitrary-families.test.ts";
import type { Family } from "./family.ts";
import { joinFamilies } from "./join.ts";
import { formatLabel } from "./labels.ts";
import { type ParsedSample, parseText } from "./strict-parser.test.ts";
import { formatValue, writeText } from "./text-format.ts";

test("formatValue", () => {
  const same = (value: number, text: string) => assert.equal(formatValue(value), text);
  same(0, "0");
  same(-0, "-0");
  same(17, "17");
  same(0.1, "0.1");
  same(1e300, "1e+300");
  same(5e-324, "5e-324");
  same(Number.NaN, "NaN");
  same(Number.POSITIVE_INFINITY, "+Inf");
  same(Number.NEGATIVE_INFINITY, "-Inf");
});

test("metadata is written where it is wanted, families without samples nowhere", () => {
  const sample = { suffix: "" as const, labels: "", value: 1 };
  const families: Family[] = [
    { name: "a", type: "unknown", help: 'back\\slash "quote"\nline', unit: "", aggregation: "sum", samples: [sample] },
    { name: "b", type: "gauge", help: "Empty.", unit: "", aggregation: "sum", samples: [] },
    { name: "c", type: "gauge", help: "", unit: "", aggregation: "sum", samples: [sample] },
  ];
  assert.equal(
    writeText(families, { metadata: true }),
    '# HELP a back\\\\slash "quote"\\nline\n# TYPE a untyped\na 1\n# TYPE c gauge\nc 1\n',
  );
  assert.equal(writeText(families, { metadata: false }), "a 1\nc 1\n");
});

test("whatever the families hold, a strict parser reads the same samples back", () => {
  fc.assert(
    fc.property(sources, (all) => {
      const { families } = joinFamilies(all);
      const parsed = parseText(writeText(families, { metadata: true }));
      assert.deepEqual(
        parsed.map(({ name, type, help }) => ({ name, type, help })),
        families.map(({ name, type, help: said }) => ({
          name,
          type: type === "unknown" ? "untyped" : type,
          help: said,
        })),
      );
      for (let i = 0; i < families.length; i++) {
        const { name, samples } = families[i] as Family;
        assert.deepEqual(
          parsed[i]?.samples.map((sample) => [sample.name, sample.value]),
          samples.map(({ suffix, value }) => [name + suffix, value]),
        );
        assert.deepEqual(
          parsed[i]?.samples.map(sortedLabels),
          samples.map(({ labels }) => sortLabels(labels)),
        );
      }
    }),
  );
});

function sortedLabels({ labels }: ParsedSample): string {
  return labels.map(([name, value]) => formatLabel(name, value)).join(",");
}

/** Back in order of names, the member's own label with them. */
function sortLabels(labels: string): string {
  const texts = labels.match(/[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"/g) ?? [];
  return texts.sort((a, b) => (a.slice(0, a.indexOf("=")) < b.slice(0, b.indexOf("=")) ? -1 : 1)).join(",");
}
