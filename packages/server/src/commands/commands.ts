/** The commands beside the server. Each is loaded when it is called: the server starts without them. */
export interface CommandEntry {
  /** One line for `nyanza -help`. */
  readonly summary: string;
  /** Returns the exit code. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

export const COMMANDS: ReadonlyMap<string, CommandEntry> = new Map([
  [
    "backup",
    {
      summary: "copy a running or resting database to a folder or an S3 bucket; only what is new is sent",
      run: async (args) => (await import("./backup.ts")).runBackup(args),
    },
  ],
  [
    "restore",
    {
      summary: "make a database folder from a backup",
      run: async (args) => (await import("./restore.ts")).runRestore(args),
    },
  ],
  [
    "verify",
    {
      summary: "read everything in a database folder and say what is damaged",
      run: async (args) => (await import("./verify.ts")).runVerify(args),
    },
  ],
  [
    "repair",
    {
      summary: "salvage what is whole of a damaged database into a new one",
      run: async (args) => (await import("./repair.ts")).runRepair(args),
    },
  ],
]);
