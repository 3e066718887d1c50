/**
 * The process: command line in, exit code out. Flags → loggers → server (start.ts) → signals; or a command (commands/), when the first word names one.
 *
 *   exit 0   help, version, dry run, clean stop
 *   exit 1   cannot start or run on: one line says why
 */
import { MetricSet } from "@nyanza/metrics";
import { parseRules, warmUpWrites } from "@nyanza/tsdb";
import { COMMANDS } from "./commands/commands.ts";
import { formatHelp } from "./flags/help.ts";
import { FlagError, parseFlags } from "./flags/parse.ts";
import { FLAGS, type Flags, type ParsedServerFlags } from "./flags/table.ts";
import { createLoggers, type LoggerFor } from "./process/logger.ts";
import { compileLater, compileSooner, settleBuffers, tuneV8 } from "./process/v8-flags.ts";
import { VERSION } from "./process/version.ts";
import { openServedDatabase } from "./served-database.ts";
import { type RunningServer, startServer } from "./start.ts";

await main();

async function main(): Promise<void> {
  tuneV8();
  settleBuffers();
  const [word = "", ...rest] = process.argv.slice(2);
  const command = COMMANDS.get(word);
  if (command !== undefined) process.exit(await command.run(rest));
  if (/^[a-z]/.test(word))
    return fail(`unknown command ${JSON.stringify(word)}: want ${[...COMMANDS.keys()].join(", ")}, or flags`);
  const parsed = parseCommandLine();
  const flags = parsed.values;
  if (flags.help) return print(formatHelp(FLAGS, VERSION, undefined, [commandsText()]));
  if (flags.version) return print(`nyanza-${VERSION} node-${process.version}\n`);

  const metrics = new MetricSet();
  let loggers: LoggerFor;
  try {
    loggers = createProcessLoggers(flags, metrics);
  } catch (error) {
    return fail(`flag -loggerTimezone: ${(error as Error).message}`);
  }
  try {
    parseRules(
      {
        dedupMs: flags["dedup.minScrapeInterval"],
        downsampling: flags["downsampling.period"],
        retentionFilters: flags.retentionFilter,
      },
      flags.retentionPeriod,
    );
  } catch (error) {
    return fail(`flags -dedup.minScrapeInterval, -downsampling.period, -retentionFilter: ${(error as Error).message}`);
  }
  const log = loggers("main.ts");
  if (flags.dryRun) return log.info("the flags are ok; exiting with 0 status code");

  // Samples are in the log before they are acknowledged: stopping here loses none, running on in an unknown state might.
  process.on("uncaughtException", (error) => {
    log.error(`stopping because of our own fault: ${error.stack ?? error.message}`);
    process.exit(1);
  });

  log.info(`nyanza ${VERSION} on Node ${process.version}, pid ${process.pid}`);
  for (const name of parsed.given) log.info(`flag ${JSON.stringify(name)}=${JSON.stringify(parsed.texts.get(name))}`);
  const start = new AbortController();
  const stop = stopOnSignals(loggers, () => start.abort());
  let server: RunningServer;
  try {
    const { signal } = start;
    server = await startServer({
      flags: parsed,
      loggers,
      metrics,
      signal,
      openDatabase: openServedDatabase,
      warmUp,
      onFirstRead: compileSooner,
    });
  } catch (error) {
    if (start.signal.aborted) {
      log.info("stopped while the storage was being opened; nothing is lost");
      process.exit(0);
    }
    return fail(error instanceof Error ? error.message : String(error));
  }
  logAddresses(loggers, server.addresses, flags);
  stop.use(server);
}

/** What is on the way in is to be optimized by the time the first body comes. */
async function warmUp(): Promise<void> {
  compileSooner();
  try {
    await warmUpWrites();
  } finally {
    compileLater();
  }
}

function parseCommandLine(): ParsedServerFlags {
  try {
    return parseFlags(FLAGS, process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    fail(error.message);
  }
}

function commandsText(): string {
  const lines = [...COMMANDS].map(([name, { summary }]) => `  nyanza ${name.padEnd(9)} ${summary}`);
  return `Commands (nyanza <command> -help has their flags):\n${lines.join("\n")}`;
}

function createProcessLoggers(flags: Flags, metrics: MetricSet): LoggerFor {
  const stream = flags.loggerOutput === "stdout" ? process.stdout : process.stderr;
  return createLoggers({
    level: flags.loggerLevel,
    format: flags.loggerFormat as "default" | "json",
    timezone: flags.loggerTimezone,
    hasTimestamps: !flags.loggerDisableTimestamps,
    errorsPerSecond: flags.loggerErrorsPerSecondLimit,
    warnsPerSecond: flags.loggerWarnsPerSecondLimit,
    output: { write: (line) => stream.write(line) },
    onMessage: (level, place, isPrinted) => {
      const labels = `app_version="nyanza-${VERSION}",level="${level}",location="${place}",is_printed="${isPrinted}"`;
      metrics.getOrCreateCounter(`vm_log_messages_total{${labels}}`).inc();
    },
  });
}

/** Addresses to copy, for the person who has just started it. */
function logAddresses(loggers: LoggerFor, addresses: readonly string[], flags: Flags): void {
  const log = loggers("main.ts");
  const prefix = flags["http.pathPrefix"].replace(/^\/+|\/+$/g, "");
  for (const address of addresses) {
    const host = address.replace(/^(0\.0\.0\.0|\[::\]):/, "localhost:");
    const base = `http://${host}${prefix === "" ? "" : `/${prefix}`}`;
    log.info(`listening at ${address}`);
    log.info(`  web page:      ${base}/vmui/`);
    log.info(`  queries:       ${base}/ (a Prometheus data source)`);
    log.info(`  remote write:  ${base}/api/v1/write`);
    log.info(`  OpenTelemetry: ${base}/opentelemetry/v1/metrics`);
  }
}

/** The first signal stops cleanly, the second at once. `abortStart` is for a signal before there is a server to stop. */
function stopOnSignals(loggers: LoggerFor, abortStart: () => void): { use(server: RunningServer): void } {
  const log = loggers("main.ts");
  let running: RunningServer | null = null;
  let isStopping = false;
  const stop = (server: RunningServer): void => {
    void server.stop().then(() => process.exit(0));
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info(`received signal ${signal}`);
    if (isStopping) {
      log.warn("stopping at once because of a second signal");
      process.exit(1);
    }
    isStopping = true;
    if (running === null) abortStart();
    else stop(running);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return {
    use(server) {
      running = server;
      // The signal came too late to keep it from starting.
      if (isStopping) stop(server);
    },
  };
}

function print(text: string): void {
  process.stdout.write(text);
}

/** One line, whatever the message is made of. */
function fail(message: string): never {
  process.stderr.write(`nyanza: cannot start: ${message.replace(/\s*\n\s*/g, " ")}\n`);
  process.exit(1);
}
