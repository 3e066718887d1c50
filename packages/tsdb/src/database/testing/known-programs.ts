/** Programs that failed once, shrunk: the model test runs them first. What each found is in `why`. */
import type { Program } from "./program.ts";

export const KNOWN_PROGRAMS: readonly { readonly why: string; readonly program: Program }[] = [
  {
    why: "a close said that the log cannot be synced, long after a flush had made parts of what was in it",
    program: {
      settings: { retentionMs: 3_456_000_000, headBytes: 1, fsync: "always" },
      steps: [
        ["fail", 6, 5, "", "EIO", "half"],
        [
          "write",
          0,
          [
            [3, 1775001600000, "c1155b6efd78b400"],
            [0, 1781610660000, "4000000000000000"],
          ],
        ],
      ],
    },
  },
  {
    why: "what a replay had flushed was deleted, then the same log was replayed once more and brought it back",
    program: {
      settings: { retentionMs: 34_560_000_000, headBytes: 1, fsync: "always" },
      steps: [
        ["fail", 8, 5, "", "ENOSPC", "half"],
        [
          "write",
          0,
          [
            [5, 1781524680000, "4030000000000000"],
            [5, 1781524260000, "c0a7bfa15a92e000"],
          ],
        ],
        ["reopen", "close", 198765],
        ["remove", 0, [[{ label: "job", op: "=~", value: ".*" }]], 1772452800000, 1781524440000],
      ],
    },
  },
];
