/**
 * The foundation under every module: results, errors, and the receive buffer.
 * Not a module of its own: what users need of it is re-exported above.
 *
 * @module
 */
export * from "./error.ts";
export * from "./os_error.ts";
export * from "./report.ts";
export * from "./result.ts";
export * from "./clock.ts";
export * from "./group.ts";
export * from "./brood.ts";
export * from "./link.ts";
export * from "./task.ts";
export * from "./wait.ts";
export * from "./wheel.ts";
export * from "./moment.ts";
export * from "./turn.ts";
export * from "./slice.ts";
export * from "./codec.ts";
export * from "./inbox.ts";
export * from "./pattern.ts";
export * from "./payload.ts";
