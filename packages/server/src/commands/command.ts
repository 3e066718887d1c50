/** What `nyanza <command>` commands have in common: flags, help, log, signals, exit codes. */
import { formatHelp, type HelpText } from "../flags/help.ts";
import { FlagError, type FlagTable, type FlagValues, parseFlags } from "../flags/parse.ts";
import { createLoggers, type Logger } from "../process/logger.ts";
import { VERSION } from "../process/version.ts";

/** Exit codes of all commands. */
export const EXIT: { readonly ok: 0; readonly failed: 1; readonly usage: 2; readonly damaged: 3 } = {
  ok: 0,
  /** It did not work; the message says why. Running it again may. */
  failed: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** The data are damaged: running it again will not help. */
  damaged: 3,
};

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface CommandContext<T extends FlagTable> {
  readonly flags: FlagValues<T>;
  /** Names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  /** Prints to stderr, as the server's log. */
  readonly logger: Logger;
  /** Given at the first SIGINT or SIGTERM; the second ends the process. */
  readonly signal: AbortSignal;
}

export interface CommandSpec<T extends FlagTable> {
  readonly name: string;
  readonly flags: T;
  readonly help: HelpText;
  /** What it throws is printed, one line, and the exit code is `failed`. */
  readonly run: (context: CommandContext<T>) => Promise<ExitCode>;
}

/** Flags of every command. */
export const COMMON_FLAGS = {
  help: { type: "bool", default: "false", group: "General", description: "Print this help and exit" },
  "envflag.enable": {
    type: "bool",
    default: "false",
    group: "General",
    description:
      "Take flags missing from the command line from environment variables; dots in names become underscores",
  },
  "envflag.prefix": {
    type: "string",
    default: "",
    group: "General",
    description: "Prefix of the environment variables read with -envflag.enable",
  },
  loggerFormat: {
    type: "string",
    default: "default",
    choices: ["default", "json"],
    group: "General",
    description: "Format of what is printed to stderr",
  },
} as const;

/** Runs a command to its end. Returns the exit code; never throws. */
export async function runCommand<T extends FlagTable & typeof COMMON_FLAGS>(
  spec: CommandSpec<T>,
  args: readonly string[],
): Promise<ExitCode> {
  let parsed: ReturnType<typeof parseFlags<T>>;
  try {
    parsed = parseFlags(spec.flags, args, process.env);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    process.stderr.write(`nyanza ${spec.name}: ${oneLine(error.message)}\n`);
    return EXIT.usage;
  }
  const common = parsed.values as FlagValues<typeof COMMON_FLAGS>;
  if (common.help) {
    process.stdout.write(formatHelp(spec.flags, VERSION, spec.help));
    return EXIT.ok;
  }
  const loggers = createLoggers({
    level: "INFO",
    format: common.loggerFormat as "default" | "json",
    timezone: "UTC",
    hasTimestamps: true,
    errorsPerSecond: 0,
    warnsPerSecond: 0,
    output: { write: (line) => process.stderr.write(line) },
  });
  const logger = loggers(`commands/${spec.name}.ts`);
  const stopping = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping.signal.aborted) process.exit(EXIT.failed);
    logger.info(`received signal ${signal}: stopping`);
    stopping.abort(new Error(`interrupted by ${signal}`));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  try {
    return await spec.run({ flags: parsed.values, given: parsed.given, logger, signal: stopping.signal });
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`nyanza ${spec.name}: ${oneLine(error.message)}; see nyanza ${spec.name} -help\n`);
      return EXIT.usage;
    }
    logger.error(`${spec.name} failed: ${oneLine(error instanceof Error ? error.message : String(error))}`);
    return (error as { code?: unknown }).code === "DAMAGED" ? EXIT.damaged : EXIT.failed;
  } finally {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  }
}

/** Flags that make no sense together; the message is one line. */
export class UsageError extends Error {}

function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, " ");
}
