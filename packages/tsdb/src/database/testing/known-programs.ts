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
];
