import { current } from "../core/mod.ts";
import { handlerOf } from "./_exchange.ts";
import { RequestHost } from "./_host.ts";
import { checkLimits } from "./_listen_options.ts";
import type { FetchApp, Handler, RequestLimits } from "./types.ts";

/**
 * Makes an object with `fetch` of a handler, for who has the server already: the default
 * export that `deno serve` wants, or a route of another program.
 *
 * Each request is a thread of the scope that calls this, with the limits of `http.listen`.
 *
 * @example Usage
 * ```ts
 * import { app } from "@alilua/coevent/http";
 *
 * const hello = app((req, res) => res.add("hello ", req.path, "\n"));
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, hello.fetch);
 * const response = await fetch(`http://127.0.0.1:${server.addr.port}/you`);
 * console.log(await response.text()); // hello /you
 * await server.shutdown();
 * ```
 */
export function app(handler: Handler, options: RequestLimits = {}): FetchApp {
  const limits = checkLimits(options, "http.app");
  const { scope, id } = current();
  const host = new RequestHost(handlerOf(handler, "http.app"), limits, scope, id);
  return { fetch: host.serve };
}
