import { createPrivateKey } from "node:crypto";

/** Whom a client trusts under TLS, and who it is itself. */
export interface ClientSslOptions {
  /** Authorities to trust beside the system's, as PEM text. */
  ca?: string | string[];
  /** Our certificate, as PEM text, where the server asks for one. */
  cert?: string;
  /** The key of our certificate, as PEM text. */
  key?: string;
  /** What the key is encrypted with. */
  passphrase?: string;
}

/** The way out, where it is not the direct one. */
export type ProxyOptions =
  | {
    /** `http://`, `https://`, `socks5://` or `socks5h://`, with its port. */
    url: string;
    /** Whom the proxy knows; or write `http://user:word@proxy:3128`. */
    username?: string;
    /** The password for it. */
    password?: string;
  }
  | {
    /** A Unix socket, to which all requests go, whatever host they name. */
    path: string;
  };

/** How the connections of a client are made and kept. */
export interface EngineOptions {
  /** TLS: whom we trust and who we are. */
  ssl?: ClientSslOptions;
  /** A proxy, instead of the one that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name. */
  proxy?: string | ProxyOptions;
  /** The address to connect from. */
  local_address?: string;
  /** Whether HTTP/2 is offered under TLS; it is, unless this is false. */
  http2?: boolean;
  /** At most so many idle connections are kept a host; as many as the runtime likes. */
  pool_size?: number;
  /** Milliseconds that an idle connection is kept; 90,000 by default, 0 for ever. */
  idle?: number;
}

/** Where connections come from; those of the runtime itself where it is `undefined`. */
export interface Connections {
  /** Connections that may have been used before. */
  readonly pooled: Deno.HttpClient | undefined;
  /** New connections. */
  readonly fresh: Deno.HttpClient | undefined;
}

/**
 * The connections of a client: two of the runtime's pools. The second keeps none alive, for
 * requests that must not meet a connection that was used before.
 */
export class Engine implements Connections {
  readonly #options: Deno.CreateHttpClientOptions;
  #pooled: Deno.HttpClient | null = null;
  #fresh: Deno.HttpClient | null = null;

  constructor(options: EngineOptions) {
    this.#options = denoOptions(options);
    try {
      // What cannot be used (a certificate, a proxy's URL) is said now.
      this.#pooled = this.#open({});
    } catch (error) {
      // What may not be used (the proxy's address) is what a request gives.
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    }
  }

  get pooled(): Deno.HttpClient {
    return this.#pooled ??= this.#open({});
  }

  get fresh(): Deno.HttpClient {
    return this.#fresh ??= this.#open({ poolMaxIdlePerHost: 0 });
  }

  /** Closes them all. */
  close(): void {
    this.#pooled?.close();
    this.#fresh?.close();
    this.#pooled = this.#fresh = null;
  }

  #open(more: Deno.CreateHttpClientOptions): Deno.HttpClient {
    return Deno.createHttpClient({ ...this.#options, ...more });
  }
}

function denoOptions(options: EngineOptions): Deno.CreateHttpClientOptions {
  const { ssl = {}, proxy, local_address, http2, pool_size, idle } = options;
  const { ca, cert, key } = ssl;
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError(`ssl: ${cert === undefined ? "key" : "cert"} stands without the other`);
  }
  const own = cert === undefined ? {} : { cert, key: decrypted(key!, ssl.passphrase) };
  return {
    // A header `host` of the program's is the program's matter.
    allowHost: true,
    ...own,
    ...(ca === undefined ? {} : { caCerts: [ca].flat() }),
    ...(proxy === undefined ? {} : { proxy: proxyOf(proxy) }),
    ...(local_address === undefined ? {} : { localAddress: local_address }),
    ...(http2 === undefined ? {} : { http2 }),
    ...(pool_size === undefined ? {} : { poolMaxIdlePerHost: countOf(pool_size, "pool_size") }),
    ...(idle === undefined ? {} : { poolIdleTimeout: countOf(idle, "idle") || false }),
  };
}

/** The runtime takes keys as they are. */
function decrypted(key: string, passphrase: string | undefined): string {
  if (passphrase === undefined) return key;
  return String(createPrivateKey({ key, passphrase }).export({ type: "pkcs8", format: "pem" }));
}

function proxyOf(given: string | ProxyOptions): Deno.Proxy {
  const proxy = typeof given === "string" ? { url: given } : given;
  if ("path" in proxy) return { transport: "unix", path: proxy.path };
  const url = URL.parse(proxy.url);
  if (url === null || !/^(https?|socks5h?):$/.test(url.protocol)) {
    // The rest of it may hold a password.
    const got = url === null ? "what is no URL" : url.protocol;
    throw new TypeError(`proxy must be an http:, https: or socks5: URL: got ${got}`);
  }
  const { username, password = "" } = proxy;
  if (username === undefined) return { url: proxy.url };
  return { url: proxy.url, basicAuth: { username, password } };
}

/** Throws unless `count` is a whole number from 0 on, or `Infinity`. */
function countOf(count: number, name: string): number {
  if (count === Infinity || (Number.isInteger(count) && count >= 0)) return count;
  throw new RangeError(`${name} must be a whole number from 0 on: got ${count}`);
}
