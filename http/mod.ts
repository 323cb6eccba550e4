/**
 * HTTP over Deno's own engine: a server with a light thread for each request, and a client.
 *
 * ```ts
 * import { status_text } from "@alilua/coevent/http";
 *
 * console.log(status_text(503)); // Service Unavailable
 * ```
 *
 * @module
 */
export * from "./status.ts";
