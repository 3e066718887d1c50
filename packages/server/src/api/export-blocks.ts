/** /api/v1/export/blocks: everything bit by bit, small and quick, for /api/v1/import/blocks of another server (docs/format/export-blocks.md). */
import type { Labels } from "@nyanza/tsdb";
import type { Handler, RequestContext } from "../http/context.ts";
import { takePiece } from "../http/pieces.ts";
import { StreamedAnswer } from "../http/response.ts";
import { BlockStreamWriter } from "../protocol/blocks/writer.ts";
import { withDeadline } from "./deadline.ts";
import { askExport, type ExportedRange, type ExportOptions } from "./export-request.ts";
import type { Desk, ReadableDatabase } from "./task-runner.ts";

export interface BlocksTask {
  readonly kind: "blocks";
  readonly request: ExportedRange;
}

export function createBlockExportHandler(options: ExportOptions): Handler {
  return (context) =>
    withDeadline(context, options.maxDurationMs, "search.maxExportDuration", (signal) =>
      answerExport(context, options, signal),
    );
}

async function answerExport(context: RequestContext, options: ExportOptions, signal: AbortSignal): Promise<void> {
  const answer = new StreamedAnswer(context, { contentType: "application/vnd.nyanza.blocks", isPacked: true });
  await options.runner.run({ kind: "blocks", request: askExport(context, options) }, { answer, signal });
}

export async function runBlocks(
  { request }: BlocksTask,
  database: ReadableDatabase,
  { answer, signal }: Desk,
): Promise<void> {
  const cursor = await database.export({ ...request, signal });
  const writer = new BlockStreamWriter();
  try {
    await answer.write(toPiece(writer.begin()));
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      let lo = 0;
      for (let i = 0; i < batch.series.length; i++) {
        const hi = batch.ends[i] as number;
        for (const block of writer.add(batch.series[i] as Labels, batch.timestamps, batch.values, lo, hi)) {
          await answer.write(toPiece(block));
        }
        lo = hi;
      }
    }
    let last = takePiece().subarray(0, 0);
    for (const block of writer.end(cursor.isPartial)) {
      if (last.length > 0) await answer.write(last);
      last = toPiece(block);
    }
    await answer.end(last);
  } finally {
    cursor.close();
  }
}

/** A copy: the writer uses its memory again. */
function toPiece(bytes: Uint8Array): Buffer {
  const piece = takePiece();
  if (bytes.length > piece.length) return Buffer.from(bytes);
  piece.set(bytes);
  return piece.subarray(0, bytes.length);
}
