/**
 * For tests and timings, the other side: OpenTelemetry's schema (field numbers of opentelemetry-proto 1.x) compiled by protobufjs, which encodes
 * what our decoder reads.
 */
import protobuf from "protobufjs";

const SCHEMA = `
syntax = "proto3";
message Request { repeated ResourceMetrics resourceMetrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scopeMetrics = 2; string schemaUrl = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 droppedAttributesCount = 2; }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; string schemaUrl = 3; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4;
  ArrayValue arrayValue = 5; KeyValueList kvlistValue = 6; bytes bytesValue = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message Metric { string name = 1; string description = 2; string unit = 3; oneof data { Gauge gauge = 5; Sum sum = 7;
  Histogram histogram = 9; ExponentialHistogram exponentialHistogram = 10; Summary summary = 11; } }
message Gauge { repeated NumberDataPoint dataPoints = 1; }
message Sum { repeated NumberDataPoint dataPoints = 1; int32 aggregationTemporality = 2; bool isMonotonic = 3; }
message Histogram { repeated HistogramDataPoint dataPoints = 1; int32 aggregationTemporality = 2; }
message ExponentialHistogram { repeated ExponentialHistogramDataPoint dataPoints = 1; int32 aggregationTemporality = 2; }
message Summary { repeated SummaryDataPoint dataPoints = 1; }
message NumberDataPoint { repeated KeyValue attributes = 7; fixed64 startTimeUnixNano = 2; fixed64 timeUnixNano = 3;
  oneof value { double asDouble = 4; sfixed64 asInt = 6; } uint32 flags = 8; }
message HistogramDataPoint { repeated KeyValue attributes = 9; fixed64 startTimeUnixNano = 2; fixed64 timeUnixNano = 3; fixed64 count = 4;
  optional double sum = 5; repeated fixed64 bucketCounts = 6; repeated double explicitBounds = 7; uint32 flags = 10;
  optional double min = 11; optional double max = 12; }
message ExponentialHistogramDataPoint { repeated KeyValue attributes = 1; fixed64 timeUnixNano = 3; fixed64 count = 4; optional double sum = 5;
  sint32 scale = 6; fixed64 zeroCount = 7; Buckets positive = 8; Buckets negative = 9; uint32 flags = 10; optional double min = 12;
  optional double max = 13; double zeroThreshold = 14; }
message Buckets { sint32 offset = 1; repeated uint64 bucketCounts = 2; }
message SummaryDataPoint { repeated KeyValue attributes = 7; fixed64 timeUnixNano = 3; fixed64 count = 4; double sum = 5;
  repeated ValueAtQuantile quantileValues = 6; uint32 flags = 8; }
message ValueAtQuantile { double quantile = 1; double value = 2; }
`;

// Attributes may nest deeper than protobufjs would follow by default.
protobuf.util.recursionLimit = 500;

const requestType: protobuf.Type = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType("Request");

/** A request in the shape of OTLP's JSON → its protobuf bytes. 64-bit numbers may be decimal strings. */
export function encodeOtlpProtobuf(message: object): Uint8Array {
  return requestType.encode(requestType.fromObject(message)).finish();
}

export function encodeOtlpJson(message: object): Uint8Array {
  return Buffer.from(JSON.stringify(message));
}

/** A request of one resource, one scope and these metrics. */
export function requestOf(metrics: object[], resource: object = {}, scope: object | undefined = undefined): object {
  return { resourceMetrics: [{ resource, scopeMetrics: [{ ...(scope === undefined ? {} : { scope }), metrics }] }] };
}

/** `{a: "x"}` → OTLP attributes of strings. */
export function attributesOf(pairs: Record<string, string>): object[] {
  return Object.entries(pairs).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}
