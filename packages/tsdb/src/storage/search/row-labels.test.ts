import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Labels } from "../../base/labels.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { RowLabels } from "./row-labels.ts";

/** Few texts, so that many sets are nearly the same; halves of surrogate pairs stand for bytes that are no UTF-8. */
const text = fc.constantFrom("a", "b", "ab", "1:a", "é", "\udc80", "\udc81", "x".repeat(1500));
const labelSet = fc
  .record({ name: text, entries: fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 3 }) })
  .map(({ name, entries }) => Labels.from([["__name__", name], ...entries]));
const labelSets = fc.uniqueArray(labelSet, { selector: (labels) => JSON.stringify([labels.name, labels.pairs]) });

test("rows are found by their labels, whether labels are kept or only hashes of them", () => {
  fc.assert(
    fc.property(labelSets, labelSets, fc.boolean(), (added, others, keeps) => {
      const rows = new RowLabels(DEFAULT_TENANT, added.length, keeps ? added.length : -1);
      const numbers = new Map<string, number>();
      const keyOf = ({ name, pairs }: Labels): string => JSON.stringify([name, pairs]);
      for (const labels of added) {
        assert.equal(rows.find(labels), -1);
        numbers.set(keyOf(labels), rows.add(labels));
      }
      assert.equal(rows.count, added.length);
      for (const labels of [...others, ...added]) assert.equal(rows.find(labels), numbers.get(keyOf(labels)) ?? -1);
      assert.deepEqual(rows.kept, keeps ? added : null);
    }),
  );
});
