/** What the endpoints need of a database. The embedded one has it; tests bring their own. */
import type {
  AnswerOf,
  AppendOutcome,
  LabelsRequest,
  Labels,
  QueryResult,
  SampleCursor,
  SearchRequest,
  Tenant,
} from "@nyanza/tsdb";
import type { WriteBatch } from "@nyanza/tsdb/ingest";
