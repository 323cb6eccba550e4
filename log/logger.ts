import { fail, fromOs, ok, type Result } from "../core/mod.ts";
import { type Site, takeSite } from "./_caller.ts";
import { programLog } from "./_program.ts";
import { Sink } from "./_sink.ts";
import { isLevel, specOf } from "./_spec.ts";
import { shown } from "./_text.ts";
import { ALERT, DEBUG, ERR, INFO, type Level, NOTICE, WARN } from "./levels.ts";
import type { Fields, LogOptions, LogStats } from "./types.ts";

/**
 * Writes lines with named fields. Made by {@linkcode logger} over the program's log, and by
 * {@linkcode open_logger} with a file of its own.
 *
 * In a text log the fields follow the message as ` user=7 path="/a b"`; in a JSON log they
 * are members of the line's object, beside `time` (UTC), `level`, `pid`, `at` and `msg`. A
 * field with one of those five names gets `field_` before it. Fields of the call win
 * over those of the logger.
 *
 * @example Fields that go with every line
 * ```ts
 * import { open_logger, unwrap } from "@alilua/coevent/log";
 *
 * const path = await Deno.makeTempFile();
 * const logger = unwrap(open_logger(`${path},INFO`));
 * const request = logger.with({ request: 7 });
 * request.info("served", { status: 200 });
 * await logger.close();
 * console.log(await Deno.readTextFile(path)); // ... INFO served request=7 status=200
 * await Deno.remove(path);
 * ```
 */
export class Logger implements Disposable {
  /** The fields that every line of this logger has. */
  readonly fields: Fields;
  readonly #own: Sink | null;

  /** Made by `logger` and `open_logger`. */
  constructor(own: Sink | null, fields: Fields) {
    this.#own = own;
    this.fields = checkFields(fields);
  }

  /** Writes a line of level `DEBUG`. */
  debug(message: unknown, fields?: Fields): void {
    this.#add(DEBUG, message, fields, this.debug);
  }

  /** Writes a line of level `INFO`. */
  info(message: unknown, fields?: Fields): void {
    this.#add(INFO, message, fields, this.info);
  }

  /** Writes a line of level `NOTICE`. */
  notice(message: unknown, fields?: Fields): void {
    this.#add(NOTICE, message, fields, this.notice);
  }

  /** Writes a line of level `WARN`. */
  warn(message: unknown, fields?: Fields): void {
    this.#add(WARN, message, fields, this.warn);
  }

  /** Writes a line of level `ALERT`. */
  alert(message: unknown, fields?: Fields): void {
    this.#add(ALERT, message, fields, this.alert);
  }

  /** Writes a line of level `ERR`, in the call. */
  err(message: unknown, fields?: Fields): void {
    this.#add(ERR, message, fields, this.err);
  }

  /** Writes a line of any level; one that is none throws `RangeError`. */
  log(level: Level, message: unknown, fields?: Fields): void {
    if (!isLevel(level)) throw new RangeError(`log: level must be 1 to 6: got '${level}'`);
    this.#add(level, message, fields, this.log);
  }

  /** Gives a logger to the same log whose lines have these fields, too. */
  with(fields: Fields): Logger {
    return new Logger(this.#own, { ...this.fields, ...checkFields(fields) });
  }

  /** Whether a line of that level would be written: asked before a message that is dear to make. */
  enabled(level: Level): boolean {
    return level >= this.#sink.level;
  }

  /** Writes the lines that wait. Errors: those of the write; the lines are lost, and counted. */
  flush(): Result<true> {
    const err = this.#sink.flush();
    return err === null ? ok(true) : fail(err);
  }

  /** Lines written, lost and waiting. */
  stats(): LogStats {
    return this.#sink.stats();
  }

  /**
   * Writes the lines that wait and closes the logger's own file, for all loggers made of it
   * by `with`; lines after that are lost, and counted. A logger over the program's log
   * only writes out. Errors: as `flush`.
   */
  close(): Result<true> {
    if (this.#own === null) return this.flush();
    const err = this.#own.close();
    return err === null ? ok(true) : fail(err);
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  get #sink(): Sink {
    return this.#own ?? programLog();
  }

  #add(level: Level, message: unknown, fields: Fields | undefined, called: unknown): void {
    if (fields !== undefined) checkFields(fields);
    const sink = this.#sink;
    if (level < sink.level) return;
    const site: Site = takeSite(called);
    sink.add(level, shown(message), site, { ...this.fields, ...fields });
  }
}

/** Text would become a field a letter, and of an error nothing would be left but its code. */
function checkFields(fields: Fields): Fields {
  if (typeof fields === "object" && !Array.isArray(fields) && !(fields instanceof Error)) {
    return fields;
  }
  const got = Array.isArray(fields)
    ? "a list"
    : fields instanceof Error
    ? "an error"
    : typeof fields;
  throw new TypeError(`fields must be an object, as { err }: got ${got}`);
}

/**
 * Makes a logger over the program's log, whichever that is when a line is written.
 *
 * Never throws, needs no permission but that of `open_log`.
 *
 * @example Usage
 * ```ts
 * import { logger } from "@alilua/coevent/log";
 *
 * const log = logger({ service: "api" });
 * const request = log.with({ request: 4711 });
 * request.warn("slow", { ms: 1250, path: "/a b" });
 * // ... WARN slow service=api request=4711 ms=1250 path="/a b"
 * ```
 */
export function logger(fields: Fields = {}): Logger {
  return new Logger(null, fields);
}

/**
 * Opens a log file of its own: an access log beside the program's log, or JSON lines.
 *
 * Takes what {@linkcode open_log} takes, with the same errors and permissions, and the
 * fields that every line is to have. `close()` or `using` closes the file.
 *
 * @example JSON lines
 * ```ts
 * import { open_logger } from "@alilua/coevent/log";
 *
 * const path = await Deno.makeTempFile();
 * const [log, err] = open_logger({ path, level: "INFO", format: "json" }, { service: "api" });
 * if (err) throw err;
 * log.info("answered", { path: "/", status: 200, ms: 1.5 });
 * log.close();
 * console.log(JSON.parse(await Deno.readTextFile(path)).status); // 200
 * await Deno.remove(path);
 * ```
 */
export function open_logger(spec: string | LogOptions, fields: Fields = {}): Result<Logger> {
  const checked = specOf("open_logger", spec);
  try {
    return ok(new Logger(new Sink(checked), fields));
  } catch (error) {
    return fail(fromOs(error, `Cannot open the log '${checked.path}'`));
  }
}
