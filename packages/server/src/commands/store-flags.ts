/** Flags of backup and restore that are about the place of a backup and the way there. Names and defaults are vmbackup's. */

import { Transfers } from "../backup/transfers.ts";
import type { FlagValues } from "../flags/parse.ts";
import type { Logger } from "../process/logger.ts";

export const STORE_FLAGS = {
  concurrency: {
    type: "int",
    default: "10",
    min: 1,
    max: 1000,
    group: "Transfers",
    description: "Pieces on their way at a time; each takes 8 MiB of memory, more for files beyond 80 GiB",
  },
  maxBytesPerSecond: {
    type: "size",
    default: "0",
    group: "Transfers",
    description: "Most bytes a second, on average; 0 means no limit",
  },
} as const;

export function createTransfers(flags: FlagValues<typeof STORE_FLAGS>, logger: Logger, signal: AbortSignal): Transfers {
  const { concurrency, maxBytesPerSecond } = flags;
  return new Transfers({ concurrency, maxBytesPerSecond, logger, signal });
}
