/** Servers for the client's tests: the runtime's own, and raw ones that misbehave. */
import { listen, type TcpSocket, unwrap } from "../../cosocket/mod.ts";
import { newthread, wait } from "../../thread/mod.ts";

/** A request as it came over the wire. */
export interface Heard {
  /** `GET /a HTTP/1.1`. */
  line: string;
  /** The header, names in lower case. */
  header: Record<string, string>;
  /** Which connection it came over, from 1. */
  connection: number;
}

/** Answers one request over a socket; the connection ends with the last one. */
export type Misbehave = (sock: TcpSocket, heard: Heard) => Promise<unknown> | unknown;

/** A server that does with its sockets whatever a test wants. */
export interface RawServer extends AsyncDisposable {
  url: string;
  port: number;
  /** The requests, in the order in which their heads came. */
  heard: Heard[];
  /** How many connections were opened. */
  readonly connections: number;
  /** How many are open. */
  readonly open: number;
  /** Resolves when the next request's head has come. */
  asked(): Promise<void>;
  /** Resolves when the next connection has come to its end. */
  ended(): Promise<void>;
}

/** Those who wait for the next time that something happens. */
class Waiters {
  #resolves: (() => void)[] = [];

  next(): Promise<void> {
    return new Promise((resolve) => this.#resolves.push(resolve));
  }

  tell(): void {
    for (const resolve of this.#resolves.splice(0)) resolve();
  }
}

/** Serves on loopback; `answer` is called for each request that comes over a connection. */
export async function raw(answer: Misbehave): Promise<RawServer> {
  const server = await unwrap(listen("127.0.0.1", 0, { timeout: 0 }));
  const heard: Heard[] = [];
  let connections = 0;
  const onAsked = new Waiters();
  const onEnded = new Waiters();
  const serving = newthread(() =>
    server.autospawn(async (sock) => {
      const connection = ++connections;
      try {
        for (;;) {
          const request = await requestOf(sock, connection);
          if (request === null) return;
          heard.push(request);
          onAsked.tell();
          await answer(sock, request);
          if (sock.closed()) return;
        }
      } finally {
        onEnded.tell();
      }
    })
  );
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    heard,
    get connections() {
      return connections;
    },
    get open() {
      return server.connections;
    },
    asked: () => onAsked.next(),
    ended: () => onEnded.next(),
    async [Symbol.asyncDispose]() {
      await server.shutdown({ grace: 1 });
      await wait(serving);
    },
  };
}

async function requestOf(sock: TcpSocket, connection: number): Promise<Heard | null> {
  const [line] = await sock.receive();
  if (line === null) return null;
  const header: Record<string, string> = {};
  for (;;) {
    const [field] = await sock.receive("*l", { encoding: "latin1" });
    if (field === null) return null;
    if (field === "") return { line, header, connection };
    const colon = field.indexOf(":");
    header[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
}

/** Answers everything in the same words, and closes. */
export function always(words: string): Misbehave {
  return async (sock) => {
    await sock.send(words, { encoding: "latin1" });
    await sock.close();
  };
}

/** A whole response that keeps the connection. */
export function whole(body: string, ...fields: string[]): string {
  const head = ["HTTP/1.1 200 OK", `Content-Length: ${body.length}`, ...fields];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** Says nothing until the other side has gone. */
export async function silent(sock: TcpSocket): Promise<void> {
  await sock.receive("*a");
}

/** The runtime's server, for a handler. */
export function serve(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  const { port } = server.addr;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
