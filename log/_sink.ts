/**
 * The queue before a log's target.
 *
 * Lines wait for the next turn of the event loop and go out together, in one write. That
 * write is synchronous: an asynchronous one costs a hundred times as much, and a program
 * that ends meanwhile could not know whether its lines are out. `ERR`, and more than
 * `MOST_QUEUED`, is written in the call.
 */
import process from "node:process";
import { setImmediate } from "node:timers";
import { fromOs, type IoError, report } from "../core/mod.ts";
import type { Site } from "./_caller.ts";
import { LogFile, Stderr, type Target } from "./_file.ts";
import { colourLine, type Entry, jsonLine, textLine } from "./_line.ts";
import type { Spec } from "./_spec.ts";
import { fieldsAsJson, fieldsAsText, oneLine } from "./_text.ts";
import { ERR, type Level, type NO, WARN } from "./levels.ts";
import type { Fields, LogStats } from "./types.ts";

/** Lines wait until they are so many characters, about a byte each. */
const MOST_QUEUED = 1024 * 1024;

const NO_FIELDS: Fields = {};
const LF = 10;
const encoder = new TextEncoder();

/** A log: its threshold, its lines that wait, and where they go. */
export class Sink {
  readonly level: Level | typeof NO;
  readonly #target: Target;
  readonly #json: boolean;
  readonly #toLine: (entry: Entry) => string;
  #queue: Entry[] = [];
  #size = 0;
  #written = 0;
  #lost = 0;
  /** How many of the lost lines the log itself tells of. */
  #told = 0;
  /** Why the last write failed; `null` while writing works. */
  #failure: IoError | null = null;
  #writing = false;
  #closed = false;

  /** Opens the file; throws what the runtime throws. */
  constructor(spec: Spec) {
    this.level = spec.level;
    this.#json = spec.format === "json";
    this.#target = spec.path === "-" ? new Stderr() : new LogFile(
      spec.path,
      spec.rotation,
      (err) => this.#complain(err),
    );
    const colours = spec.path === "-" && !Deno.noColor && Deno.stderr.isTerminal();
    this.#toLine = this.#json ? jsonLine : colours ? colourLine : textLine;
  }

  /** Adds a line, if its level is let through: the caller has asked. */
  add(level: Level, message: string, site: Site, fields: Fields = NO_FIELDS): void {
    if (this.#closed) {
      this.#lost += 1;
      return;
    }
    const body = this.#json
      ? fieldsAsJson(message, fields)
      : oneLine(fields === NO_FIELDS ? message : message + fieldsAsText(fields));
    this.#queue.push({ time: Date.now(), level, body, site });
    this.#size += body.length;
    if (level === ERR || this.#size > MOST_QUEUED || leaving) this.flush();
    else if (this.#queue.length === 1) awaitTurn(this);
  }

  /** Writes what waits; gives the error if it could not. */
  flush(): IoError | null {
    // A handler that is told of a failed write may log; its line waits.
    if (this.#writing || this.#queue.length === 0) return this.#failure;
    const entries = this.#queue;
    this.#queue = [];
    this.#size = 0;
    this.#writing = true;
    try {
      this.#write(entries);
    } finally {
      this.#writing = false;
    }
    if (this.#queue.length > 0) awaitTurn(this);
    return this.#failure;
  }

  #write(entries: Entry[]): void {
    const notice = this.#lost > this.#told ? this.#lostNotice() : "";
    const bytes = encoder.encode(notice + entries.map(this.#toLine).join(""));
    try {
      this.#target.write(bytes, Date.now());
      this.#written += entries.length;
      this.#failure = null;
      this.#told = this.#lost;
    } catch (error) {
      const whole = linesIn(bytes.subarray(0, this.#target.taken));
      if (notice !== "" && whole > 0) this.#told = this.#lost;
      const saved = Math.max(whole - (notice === "" ? 0 : 1), 0);
      this.#written += saved;
      this.#lost += entries.length - saved;
      const first = this.#failure === null;
      this.#failure = fromOs(error, `Cannot write to the log '${this.#target.path}'`);
      if (first) this.#complain(this.#failure);
    }
  }

  /** The log's own word, once it can write again. */
  #lostNotice(): string {
    const count = this.#lost - this.#told;
    const words = `${count} ${count === 1 ? "line was" : "lines were"} lost: ` +
      (this.#failure?.message ?? "the log could not be written");
    const body = this.#json ? fieldsAsJson(words, { lost: count }) : oneLine(words);
    return this.#toLine({ time: Date.now(), level: WARN, body, site: null });
  }

  #complain(err: IoError): void {
    // Where stderr itself fails, there is nobody left to tell.
    if (this.#target.path !== "-") report(err, `log '${this.#target.path}'`);
  }

  /** Writes what waits, and closes the file. */
  close(): IoError | null {
    if (this.#closed) return null;
    const err = this.flush();
    this.#closed = true;
    this.#target.close();
    return err;
  }

  /** What it has done so far. */
  stats(): LogStats {
    return {
      path: this.#target.path,
      written: this.#written,
      lost: this.#lost,
      queued: this.#queue.length,
    };
  }
}

function linesIn(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

/** The logs with lines that wait. */
const waiting = new Set<Sink>();

/** The program is ending: there may be no next turn. */
let leaving = false;

let watching = false;

function awaitTurn(sink: Sink): void {
  if (!watching) watchTheEnd();
  if (waiting.size === 0) setImmediate(turn);
  waiting.add(sink);
}

function turn(): void {
  // An uncaught error that someone caught after all: the program goes on.
  leaving = false;
  flushAll();
}

function flushAll(): void {
  const due = [...waiting];
  waiting.clear();
  for (const sink of due) sink.flush();
}

/**
 * Writes what waits when the program ends. A return and `Deno.exit` make "unload", an
 * uncaught error only the events before it, and a worker of `node:worker_threads` only
 * "exit". Not done when the module is loaded: an import has no side effects.
 */
function watchTheEnd(): void {
  watching = true;
  const end = () => {
    leaving = true;
    flushAll();
    setImmediate(turn);
  };
  for (const event of ["unload", "error", "unhandledrejection"]) addEventListener(event, end);
  process.on("exit", end);
}
