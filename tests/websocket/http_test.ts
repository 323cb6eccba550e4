/** In a handler of `http.listen`, behind nginx, and many at a time. */
import { assert, assertEquals } from "@std/assert";
import { type HttpRequest, listen } from "../../http/mod.ts";
import { connect, hub, type MessageSocket, serve, unwrap } from "../../websocket/mod.ts";
import { CERTS } from "../cosocket/ends.ts";
import { freePort, listening, peerTest, Running } from "../peers.ts";
import { sizes } from "../sizes.ts";
import { scope, thread } from "./threads.ts";

/** A site with an echo under `/ws`. */
async function site() {
  const echo = serve(async (socket) => {
    for await (const message of socket) await socket.send(message);
  });
  const server = await unwrap(listen("127.0.0.1", 0, (req, res) => {
    if (req.path === "/ws") return echo.fetch(req.request);
    res.add("the rest of the site");
  }));
  return {
    echo,
    server,
    url: `ws://127.0.0.1:${server.port}/ws`,
    async [Symbol.asyncDispose]() {
      await echo.shutdown({ grace: 1_000 });
      await server.shutdown({ grace: 1_000 });
    },
  };
}

Deno.test("http.listen: a handler makes WebSockets beside pages", async () => {
  await using here = await site();
  await using socket = await unwrap(connect(here.url));
  await socket.send("hello");
  assertEquals(await socket.receive(), ["hello", null]);
  const page = await fetch(here.url.replace("ws:", "http:").replace("/ws", "/"));
  assertEquals(await page.text(), "the rest of the site");
  const plain = await fetch(here.url.replace("ws:", "http:"));
  assertEquals([plain.status, await plain.text()], [426, "This address speaks WebSocket\n"]);
});

Deno.test("http.listen: over TLS too, where pages may come by HTTP/2", async () => {
  await using echo = serve(async (socket) => {
    for await (const message of socket) await socket.send(message);
  });
  const handler = (req: HttpRequest) => echo.fetch(req.request);
  const server = await unwrap(listen("127.0.0.1", 0, handler, { ssl: CERTS.server }));
  const socket = await unwrap(
    connect(`wss://localhost:${server.port}/ws`, { ssl: { ca: CERTS.ca } }),
  );
  await socket.send("over TLS");
  assertEquals(await socket.receive(), ["over TLS", null]);
  await socket.close();
  await server.shutdown();
});

Deno.test("http.listen: the end of the scope ends the sockets' threads, with 1001", async () => {
  let socket: MessageSocket | null = null;
  const [, err] = await scope(async (s) => {
    const { url } = await site();
    socket = await unwrap(connect(url));
    await socket.send("hello");
    assertEquals(await socket.receive(), ["hello", null]);
    s.close("enough");
  });
  assertEquals(err, null);
  assertEquals(await socket!.receive(), [null, null]);
  assertEquals(socket!.code, 1_001);
  assertEquals(thread.list().filter(({ name }) => name.startsWith("websocket")), []);
});

Deno.test("http.listen: a shutdown of the server leaves no thread behind", async () => {
  const here = await site();
  const socket = await unwrap(connect(here.url));
  await socket.send("hello");
  assertEquals(await socket.receive(), ["hello", null]);
  await here.server.shutdown({ grace: 10 });
  await here.echo.shutdown();
  assertEquals(await socket.receive(), [null, null]);
  assertEquals(socket.code, 1_001);
});

peerTest("nginx in front passes messages, codes and origins on", ["nginx"], async ({ nginx }) => {
  await using here = await site();
  const folder = await Deno.makeTempDir();
  const port = freePort();
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
    events {}
    http {
      access_log off;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${here.server.port};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
          proxy_set_header Host $http_host;
        }
      }
    }`,
  );
  try {
    await using _proxy = new Running(nginx, ["-p", folder, "-c", `${folder}/nginx.conf`]);
    await listening(port);
    const url = `ws://127.0.0.1:${port}/ws`;
    const headers = { Origin: `http://127.0.0.1:${port}` };
    await using socket = await unwrap(connect(url, { headers }));
    for (const message of ["ü", new Uint8Array(100_000).fill(7), ""]) {
      await socket.send(message);
      assertEquals(await socket.receive(), [message, null]);
    }
    const [, err] = await connect(url, { headers: { Origin: "http://elsewhere.example" } });
    assert(err!.message.includes("403"), err!.message);
    await here.echo.shutdown();
    assertEquals(await socket.receive(), [null, null]);
    assertEquals(socket.code, 1_001);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test(`${sizes.webSockets} sockets are told one message, then goodbye, and nothing stays`, async () => {
  const room = hub();
  const ended: (string | null)[] = [];
  const endpoint = serve(async (socket) => {
    room.join(socket);
    const [, err] = await socket.receive({ timeout: 0 });
    ended.push(err?.code ?? null);
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, endpoint.fetch);
  const url = `ws://127.0.0.1:${server.addr.port}`;
  const sockets: MessageSocket[] = [];
  while (sockets.length < sizes.webSockets) {
    const some = Math.min(50, sizes.webSockets - sockets.length);
    sockets.push(...await Promise.all(Array.from({ length: some }, () => unwrap(connect(url)))));
  }
  assertEquals([room.size, endpoint.connections], [sizes.webSockets, sizes.webSockets]);
  assertEquals(room.send("to all"), sizes.webSockets);
  for (const socket of sockets) assertEquals(await socket.receive(), ["to all", null]);
  assertEquals(await endpoint.shutdown(), [0, null]);
  for (const socket of sockets) assertEquals(await socket.receive(), [null, null]);
  assertEquals(new Set(sockets.map(({ code }) => code)), new Set([1_001]));
  assertEquals([ended.length, new Set(ended)], [sizes.webSockets, new Set(["closed"])]);
  assertEquals([room.size, endpoint.connections], [0, 0]);
  await server.shutdown();
});
