/**
 * What an `await using` block may hold, but for children: whoever tries a port that has
 * been closed must start none.
 */
import { assertEquals } from "@std/assert";
import { create, listen as shards, supervise } from "../context/mod.ts";
import { connect, listen, tcp, udp, unwrap } from "../cosocket/mod.ts";
import { open } from "../eio/mod.ts";
import * as http from "../http/mod.ts";
import { pair } from "../stream/mod.ts";
import { kill, newthread, on_error, scope, self, sleep, wait } from "../thread/mod.ts";
import * as websocket from "../websocket/mod.ts";

/** What a block may hold, and what shows that it is not there any more. */
export type Opened = [held: AsyncDisposable, gone: () => Promise<unknown>];

/** By name, what opens it. */
export type Held = Record<string, (stack: AsyncDisposableStack) => Promise<Opened> | Opened>;

const HERE = "127.0.0.1";
const RECEIVES = "data:text/javascript,export default async (inside) => void await inside.recv()";
const READS = "data:text/javascript,export default async (sock) => void await sock.receive('*a')";
const PAGE = "data:text/javascript,export default () => new Response('a page')";

/** Nobody listens there. */
const refused = (port: number) => async () => {
  const [, err] = await connect(HERE, port, { pool: "none" });
  assertEquals(err?.code, "refused");
};

/** A server that echoes messages, as long as the test lasts. */
async function talking(stack: AsyncDisposableStack): Promise<[websocket.Endpoint, string]> {
  const endpoint = stack.use(websocket.serve(async (socket) => {
    for await (const message of socket) await socket.send(message);
  }));
  const server = stack.use(await unwrap(http.listen(HERE, 0, endpoint)));
  return [endpoint, `ws://${HERE}:${server.port}`];
}

/** Each class of the surface that a block can end, and what ends so without a class. */
export const HELD: Held = {
  BufferedStream: (stack) => {
    const [ours, theirs] = pair();
    stack.use(theirs);
    return [ours, async () => assertEquals((await theirs.receive("*a"))[0]?.length, 0)];
  },
  "BufferedStream of a socket": async (stack) => {
    const listener = stack.adopt(Deno.listen({ hostname: HERE, port: 0 }), (it) => it.close());
    const sock = tcp();
    await unwrap(sock.connect(HERE, listener.addr.port, { pool: "none" }));
    const conn = stack.adopt(await listener.accept(), (it) => it.close());
    return [sock, async () => assertEquals(await conn.read(new Uint8Array(1)), null)];
  },
  Server: async () => {
    const server = await unwrap(listen(HERE, 0));
    return [server, refused(server.port)];
  },
  "Server with a connection": async (stack) => {
    const server = await unwrap(listen(HERE, 0));
    void server.autospawn((sock) => sock.receive("*a", { timeout: 0 }));
    const sock = stack.use(await unwrap(connect(HERE, server.port, { pool: "none" })));
    return [server, async () => assertEquals((await sock.receive())[0], null)];
  },
  UdpSocket: async () => {
    const sock = udp();
    await unwrap(sock.bind(HERE, 0));
    const { port } = unwrap(sock.localaddr());
    return [sock, async () => {
      await using other = udp();
      assertEquals(await other.bind(HERE, port), [true, null]);
    }];
  },
  "a file": async () => {
    const file = await unwrap(open(new URL(import.meta.url), "r"));
    return [file, async () => assertEquals((await file.read(1))[1]?.code, "closed")];
  },
  HttpServer: async () => {
    const server = await unwrap(http.listen(HERE, 0, () => {}));
    return [server, refused(server.port)];
  },
  Workers: async () => {
    const workers = await unwrap(http.run(PAGE, { host: HERE, port: 0, workers: 1 }));
    return [workers, refused(workers.port)];
  },
  HttpClient: async (stack) => {
    const server = stack.use(await unwrap(http.listen(HERE, 0, () => sleep(60_000))));
    const client = http.client();
    const asked = client.get(`http://${HERE}:${server.port}/`);
    await sleep(0);
    return [client, async () => assertEquals((await asked)[1]?.code, "closed")];
  },
  ClientResponse: async (stack) => {
    const server = stack.use(
      await unwrap(http.listen(HERE, 0, async (_req, res) => {
        await res.write("a piece");
        await sleep(60_000);
      })),
    );
    const client = stack.use(http.client());
    const response = await unwrap(client.get(`http://${HERE}:${server.port}/`));
    return [response, async () => assertEquals((await response.text())[1]?.code, "closed")];
  },
  MessageSocket: async (stack) => {
    const [, url] = await talking(stack);
    const socket = await unwrap(websocket.connect(url));
    return [socket, async () => assertEquals((await socket.send("more"))[1]?.code, "closed")];
  },
  Endpoint: async (stack) => {
    const [endpoint, url] = await talking(stack);
    const socket = stack.use(await unwrap(websocket.connect(url)));
    return [endpoint, async () => assertEquals((await socket.receive())[0], null)];
  },
  Hub: async (stack) => {
    const [, url] = await talking(stack);
    const socket = await unwrap(websocket.connect(url));
    const hub = websocket.hub();
    hub.join(socket);
    return [hub, async () => assertEquals((await socket.send("more"))[1]?.code, "closed")];
  },
  Context: async () => {
    const context = await unwrap(create(RECEIVES));
    return [context, async () => assertEquals((await context.wait())[0]?.reason, "destroyed")];
  },
  "a supervisor": async () => {
    const context = await unwrap(create(RECEIVES));
    const start = () => Promise.resolve([context, null] as [typeof context, null]);
    const tree = await unwrap(supervise([{ name: "one", start }]));
    return [tree, async () => assertEquals((await context.wait())[0]?.reason, "destroyed")];
  },
  ShardedServer: async () => {
    const server = await unwrap(shards(HERE, 0, READS, { workers: 1 }));
    return [server, refused(server.port)];
  },
};

const LINUX = { ignore: Deno.build.os !== "linux" };

/** Tests the end of an `await using` block in a thread that is killed: what it held is gone. */
export function testBlocks(held: Held): void {
  for (const [name, make] of Object.entries(held)) {
    for (const when of ["in it", "at its end"]) {
      Deno.test(
        `a block that holds ${name} ends it when its thread is killed ${when}`,
        LINUX,
        async () => {
          await using stack = new AsyncDisposableStack();
          const told: unknown[] = [];
          const forget = on_error((error) => void told.push(error));
          stack.defer(forget);
          const [it, gone] = await make(stack);
          // Which is over when the thread has unwound.
          await scope(async () => {
            const thread = newthread(async () => {
              await using _ = it;
              if (when === "in it") await sleep(60_000);
              kill(self());
            });
            await sleep(0);
            kill(thread);
            assertEquals((await wait(thread))[1]?.code, "killed");
          });
          await gone();
          assertEquals(told, []);
        },
      );
    }
  }
}
