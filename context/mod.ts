/**
 * Contexts: functions with a mailbox, in worker threads or in processes of their own.
 *
 * **In a thread nothing can be killed, limited or narrowed**: a busy loop burns its thread
 * until the program ends, and permissions are the program's. What must be killable is
 * created with `isolated: true`. Threads need `--allow-read` of the module, isolated
 * contexts `--allow-run`.
 *
 * @module
 */
export { type ErrorCode, type GoneReason, IoError, type IoErrorOptions } from "../core/mod.ts";
export { type Result, unwrap, type Unwrapped, type WaitOptions } from "../core/mod.ts";
export * from "./create.ts";
export * from "./supervise.ts";
export * from "./types.ts";
