/**
 * Who called: file and line, from a stack of one frame.
 *
 * Taking the stack is the cheap half and must happen in the call; looking up the file
 * and the line (through the source map) costs three times as much and is left to the
 * moment at which the line is written.
 */

/** A stack that was taken and not looked at yet; `null` where none could be taken. */
export type Site = { stack?: unknown } | null;

/** As much of V8's stack frames as is needed. */
interface Frame {
  getScriptNameOrSourceURL(): string | null;
  getLineNumber(): number | null;
}

interface Stacks {
  stackTraceLimit: number;
  prepareStackTrace?: ((error: unknown, frames: Frame[]) => unknown) | undefined;
  captureStackTrace(into: object, below: unknown): void;
}

const stacks = Error as unknown as Stacks;

const topFrame = (_: unknown, frames: Frame[]) => frames[0];

/** Takes the frame of whoever called `below`. */
export function takeSite(below: unknown): Site {
  const site: Site = {};
  const limit = stacks.stackTraceLimit;
  try {
    stacks.stackTraceLimit = 1;
    stacks.captureStackTrace(site, below);
    return site;
  } catch {
    // A program may have frozen Error; a log line without its place is better than none.
    return null;
  } finally {
    if (stacks.stackTraceLimit !== limit) stacks.stackTraceLimit = limit;
  }
}

/** The place as `server.ts:12`; `?` where it is not known. */
export function placeOf(site: Site): string {
  if (site === null) return "?";
  const prepare = stacks.prepareStackTrace;
  try {
    stacks.prepareStackTrace = topFrame;
    const frame = site.stack as Frame | undefined;
    const script = frame?.getScriptNameOrSourceURL();
    // "ext:" and "node:" are the runtime's own.
    if (!script || /^(ext|node):/.test(script)) return "?";
    return `${script.slice(script.lastIndexOf("/") + 1)}:${frame!.getLineNumber() ?? 0}`;
  } catch {
    return "?";
  } finally {
    if (stacks.prepareStackTrace !== prepare) stacks.prepareStackTrace = prepare;
  }
}
