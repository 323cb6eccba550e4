import type { Encoding } from "../core/mod.ts";
import type { ListenOptions } from "../cosocket/mod.ts";
import { copy } from "./_copy.ts";
import { SERVE } from "./_listen_worker.ts";
import { selfOf } from "./_share_wire.ts";
import type { ShardOptions } from "./listen.ts";

/** Throws what the caller of `listen` could have known; gives the module's URL. */
export function checkShards(
  host: unknown,
  url: unknown,
  options: ShardOptions<Encoding>,
): string {
  if (typeof host === "string" && host.startsWith("/")) {
    throw new TypeError(`listen wants a host and a port to share: got the path ${host}`);
  }
  const { workers, ssl, inside } = options;
  if (workers !== undefined && !(Number.isInteger(workers) && workers > 0)) {
    throw new RangeError(`listen: workers wants a whole number from 1: got ${workers}`);
  }
  for (const name of ["class", "mode"]) {
    if (name in options) throw new TypeError(`listen: workers have no option '${name}'`);
  }
  if (typeof ssl === "object" && ssl !== null && "sni" in ssl) {
    throw new TypeError("listen: ssl.sni is a function, which cannot be handed to workers");
  }
  for (const name of ["onerror", "onstart"] as const) {
    const call: unknown = options[name];
    if (call !== undefined && typeof call !== "function") {
      throw new TypeError(`listen: ${name} wants a function: got ${typeof call}`);
    }
  }
  selfOf(inside, "listen");
  return absolute(url);
}

function absolute(url: unknown): string {
  if (url instanceof URL) return url.href;
  if (typeof url === "string" && URL.canParse(url)) return url;
  throw new TypeError(
    `url must be absolute, as new URL("./w.ts", import.meta.url): got ${JSON.stringify(url)}`,
  );
}

/** What of the options goes to the workers' own `listen`; throws for what cannot be copied. */
export function forWorkers(options: ShardOptions<Encoding>): ListenOptions<Encoding> {
  const {
    workers: _workers,
    name: _name,
    args: _args,
    isolated: _isolated,
    permissions: _permissions,
    intensity: _intensity,
    period: _period,
    backoff: _backoff,
    reuseport: _reuseport,
    onerror: _onerror,
    onstart: _onstart,
    inside: _inside,
    ...rest
  } = options;
  return copy(rest)[0] as ListenOptions<Encoding>;
}

/**
 * A module that joins the handler with what serves it. Its imports are static, so that an
 * isolated worker needs no permission to read them.
 */
export function workerUrl(url: string): string {
  const code = `import * as module from ${JSON.stringify(url)};\n` +
    `import { serve } from ${JSON.stringify(SERVE)};\n` +
    "export default (inside) => serve(inside, module);\n";
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
