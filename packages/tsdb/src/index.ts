/** The package's door: what `@nyanza/tsdb` promises to its users. */
export { BugError, CorruptionError, InputError } from "./base/errors.ts";
export { compareLabels, Labels } from "./base/labels.ts";
export { DEFAULT_TENANT, formatTenant, type Tenant } from "./base/tenant.ts";
export type { Texts } from "./base/texts.ts";
export { NewerFormatError, OlderFormatError } from "./codec/pages.ts";
export { repairFolder, verifyFolder } from "./database/care.ts";
export {
  type CardinalityOptions,
  Database,
  type DatabaseOptions,
  type DatabaseStats,
  type DeleteOptions,
  type LabelsInput,
  openDatabase,
  type SeriesRows,
} from "./database/database.ts";
export type { Dialect, LabelsOptions, QueryOptions, QueryRangeOptions, RollupCacheStats } from "./database/queries.ts";
export type { ServedReader } from "./database/reading/host.ts";
export type { Peer, PeerOptions } from "./database/reading/peer.ts";
export {
  connectReader,
  type Reader,
  type ReaderOptions,
  type ReaderStats,
} from "./database/reading/reader.ts";
export { parseRules, type RuleTexts } from "./database/rule-texts.ts";
export { warmUpWrites } from "./database/warm-up.ts";
export { type Lock, LockedError } from "./disk/disk.ts";
export { lockFolder } from "./disk/lock.ts";
export {
  LINE_TEXT_BYTES_MAX,
  linesPerPrint,
  POINTS_MAX,
  printLines,
  printPoints,
  printTimestamps,
  printValues,
} from "./kernel/points.ts";
export type { LineShape } from "./kernel/points-twin.ts";
export { HeadFullError } from "./kernel/sample-store.ts";
export { PRINTED_TEXTS_MAX, printTexts } from "./kernel/texts.ts";
export type { EvaluationStats, QueryResult, ResultSeries } from "./query/result.ts";
export type { Answer, SampleCursor, SeriesBatch } from "./query/source.ts";
export { QueryTrace, type TraceJson } from "./query/trace.ts";
export type { RepairOptions, RepairReport } from "./storage/care/repair.ts";
export type { FileReport, Problem, VerifiedKind, VerifyOptions, VerifyReport } from "./storage/care/verify.ts";
export type { DeleteOutcome } from "./storage/deletes/deletion.ts";
export { ReadOnlyError } from "./storage/disk-space.ts";
export { type FsyncMode, LogUnavailableError } from "./storage/log/wal.ts";
export type { Logger } from "./storage/options.ts";
export type { AppendOutcome } from "./storage/sample-selection.ts";
export type { Cardinality } from "./storage/search/cardinality.ts";
export { ClosedError } from "./storage/storage.ts";
