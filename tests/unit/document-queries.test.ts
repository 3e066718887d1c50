/**
 * The ten queries of the Go guide and its four of aggregation, in both dialects, on recorded samples: our answers are those stored in
 * tests/corpora/document-queries.json. tests/system/document-queries.test.ts holds the same answers against the real programs.
 *
 *   npx tsc -b && NYANZA_RECORD_ANSWERS=1 node tests/dist/unit/document-queries.test.js    stores what is answered now
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import {
  type Dialect,
  type DocumentQueries,
  dialects,
  documentQueriesPath,
  openDocumentEngine,
  readDocumentQueries,
  type StoredAnswer,
} from "../corpora/support/document-queries.ts";
import { compareResults } from "../system/support/twins.ts";

const isRecording = process.env["NYANZA_RECORD_ANSWERS"] !== undefined;

test("the guide's queries answer what is stored", async () => {
  const stored = readDocumentQueries();
  const ask = await openDocumentEngine(stored.time * 1000);
  const answerOf = async (query: string, dialect: Dialect): Promise<StoredAnswer | { refused: string }> => {
    try {
      return await ask(query, dialect);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "INPUT", `${query}: ${error}`);
      return { refused: (error as Error).message };
    }
  };
  const problems: string[] = [];
  const recorded = await Promise.all(
    stored.queries.map(async (one) => {
      const answers: Partial<Record<Dialect, StoredAnswer | { refused: string }>> = {};
      for (const dialect of dialects) {
        const wanted = one.answers[dialect];
        if (wanted === undefined) continue;
        const got = await answerOf(one.query, dialect);
        answers[dialect] = got;
        const problem = compare(got, wanted);
        if (problem !== null) problems.push(`${one.id} ${dialect} ${one.query}: ${problem}`);
      }
      return { ...one, answers };
    }),
  );
  if (isRecording) writeFileSync(documentQueriesPath, layOut({ ...stored, queries: recorded }));
  else assert.equal(problems.join("\n"), "");
});

/** As JSON with a series a line. */
function layOut(queries: DocumentQueries): string {
  const series = /\n {12}\{\n.*?\n {12}\}/gs;
  const text = JSON.stringify(queries, null, 2).replace(series, (one) => {
    const { line } = JSON.parse(`{"line":${one}}`) as { line: unknown };
    return `\n            ${JSON.stringify(line)}`;
  });
  return `${text}\n`;
}

/** The ten and the four, each as the guide writes it. */
test("no query of the guide is left out", () => {
  const written = readDocumentQueries().queries.filter(({ instead }) => instead === undefined);
  assert.deepEqual(
    written.map(({ id }) => id),
    [
      ...Array.from({ length: 10 }, (_, i) => `MetricsQL ${i + 1}`),
      ...Array.from({ length: 4 }, (_, i) => `aggregation ${i + 1}`),
    ],
  );
});

function compare(got: StoredAnswer | { refused: string }, wanted: StoredAnswer | { refused: string }): string | null {
  if ("refused" in got || "refused" in wanted) {
    const [text, wantedText] = [got, wanted].map((one) => ("refused" in one ? one.refused : "an answer"));
    return text === wantedText ? null : `${text}, want ${wantedText}`;
  }
  if (got.resultType !== wanted.resultType) return `a ${got.resultType}, want a ${wanted.resultType}`;
  return compareResults(got.result, wanted.result);
}
