/**
 * ExportMetricsServiceResponse: what an OpenTelemetry SDK is told of a body, in the encoding it sent.
 * Protobuf: field 1 partial_success { 1 rejected_data_points (varint), 2 error_message (string) }; empty when all is well.
 */
import type { OtlpEncoding } from "../protocol/otlp/parse.ts";

export function otlpContentType(encoding: OtlpEncoding): string {
  return encoding === "json" ? "application/json" : "application/x-protobuf";
}

/** `rejected` 0 and no message: full success. */
export function encodeOtlpAnswer(encoding: OtlpEncoding, rejected: number, message: string): Buffer {
  if (rejected === 0 && message === "") return encoding === "json" ? Buffer.from("{}") : Buffer.alloc(0);
  if (encoding === "json") {
    // int64 is a string in protobuf's JSON.
    const partialSuccess = { rejectedDataPoints: String(rejected), errorMessage: message };
    return Buffer.from(JSON.stringify({ partialSuccess }));
  }
  const text = Buffer.from(message);
  const inner = [0x08, ...varint(rejected), 0x12, ...varint(text.length), ...text];
  return Buffer.from([0x0a, ...varint(inner.length), ...inner]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}
