/** What a sender was told is stored is in the very next answer, also for who names no time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { scoped } from "./support/scope.ts";

test(
  "the next query and the next export see it",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await startNyanza(scope);
    for (let i = 1; i <= 50; i++) {
      const sent = await http(`${url}/api/v1/import/prometheus`, { body: `fresh_total{round="${i}"} ${i}\n` });
      assert.equal(sent.status, 204);
      const answer = await http(`${url}/api/v1/query?query=sum(fresh_total)`);
      const { data } = JSON.parse(answer.text) as { data: { result: { value: [number, string] }[] } };
      assert.equal(data.result[0]?.value[1], String((i * (i + 1)) / 2), answer.text);
      const exported = await http(`${url}/api/v1/export?match[]=fresh_total`);
      assert.equal(exported.text.trimEnd().split("\n").length, i);
    }
  }),
);
