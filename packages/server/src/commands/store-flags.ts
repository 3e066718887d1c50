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

  credsFilePath: {
    type: "string",
    default: "",
    group: "S3",
    description:
      "File with credentials, as ~/.aws/credentials; without it AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, then that file",
  },
  configFilePath: {
    type: "string",
    default: "",
    group: "S3",
    description: "File with region and endpoint_url, as ~/.aws/config; AWS_REGION and AWS_ENDPOINT_URL come first",
  },
  configProfile: {
    type: "string",
    default: "",
    group: "S3",
    description: "Profile in these files; AWS_PROFILE or default if not given",
  },
  customS3Endpoint: {
    type: "string",
    default: "",
    group: "S3",
    description: "URL of what speaks S3, such as http://127.0.0.1:9000; Amazon's if not given",
  },
  s3ForcePathStyle: {
    type: "bool",
    default: "true",
    group: "S3",
    description: "The bucket is part of the path; -s3ForcePathStyle=false makes it part of the host's name",
  },
  s3StorageClass: {
    type: "string",
    default: "",
    group: "S3",
    description:
      "Storage class of new objects, such as STANDARD_IA; what must be thawed before it can be read is of no use here",
  },
  s3TLSInsecureSkipVerify: {
    type: "bool",
    default: "false",
    group: "S3",
    description: "Do not verify the certificate of the S3 endpoint",
  },
} as const;

export function createTransfers(flags: FlagValues<typeof STORE_FLAGS>, logger: Logger, signal: AbortSignal): Transfers {
  const { concurrency, maxBytesPerSecond } = flags;
  return new Transfers({ concurrency, maxBytesPerSecond, logger, signal });
}
