/** What each example needs to run in a test: arguments, and a server for it. */
import { connect, IoError, listen, type TcpSocket, unwrap } from "../cosocket/mod.ts";
import * as websocket from "../websocket/mod.ts";
import { find, freePort, listening, Running } from "./peers.ts";

/** An example's surroundings while it runs. */
export interface Stage extends AsyncDisposable {
  args: string[];
  /** What must be in its output. */
  prints: string;
}

/** How to set the stage for an example. */
export interface Setting {
  /** Programs without which the example cannot run. */
  needs?: string[];
  stage(): Promise<Stage>;
}

/** Serves pages on a port of its own. */
function pages(prints: string, ...paths: string[]): Setting {
  return {
    stage() {
      const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
      const server = Deno.serve(options, (request) => {
        return new Response(`page ${new URL(request.url).pathname}\n`);
      });
      return Promise.resolve({
        args: ["127.0.0.1", String(server.addr.port), ...paths],
        prints,
        [Symbol.asyncDispose]: () => server.shutdown(),
      });
    },
  };
}

/** An example that needs nothing around it. */
function plain(prints: string, ...args: string[]): Setting {
  return { stage: () => Promise.resolve({ args, prints, async [Symbol.asyncDispose]() {} }) };
}

/** An example that serves: somebody comes to talk to it as soon as it listens. */
function visited(
  prints: string,
  args: (port: string) => string[],
  talk: (port: number, first: TcpSocket) => Promise<void>,
): Setting {
  return {
    stage() {
      const port = freePort();
      let over = false;
      const visiting = (async () => {
        while (!over) {
          const [sock] = await connect("127.0.0.1", port);
          if (sock !== null) {
            try {
              await talk(port, sock);
              await sock.close();
              return;
            } catch (error) {
              // It was not there yet: the port that was found free may be open for a moment
              // more, in a child that another test is starting.
              if (!(error instanceof IoError && error.code === "reset")) throw error;
              sock.close_immediately();
            }
          }
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })();
      // Whoever disposes of it hears of a failure.
      visiting.catch(() => {});
      return Promise.resolve({
        args: args(String(port)),
        prints,
        async [Symbol.asyncDispose]() {
          over = true;
          await visiting;
        },
      });
    },
  };
}

/** Sends lines and receives what comes back for each. */
async function say(sock: TcpSocket, lines: string[]): Promise<void> {
  for (const line of lines) {
    unwrap(await sock.send(`${line}\n`));
    const back = unwrap(await sock.receive());
    if (back !== line) throw new Error(`'${line}' came back as '${back}'`);
  }
}

/** Asks for a page, and gives the whole answer. */
async function get(sock: TcpSocket, path: string, fields = ""): Promise<string> {
  const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${fields}\r\n`;
  unwrap(await sock.send(head));
  return await unwrap(sock.receive("*a", { encoding: "utf-8" }));
}

const FIXTURES = "tests/fixtures";

/** Every example has a row. */
export const SETTINGS: Record<string, Setting> = {
  single_loop: pages("page /one", "/one"),
  multi_loop: pages("/two: HTTP/1.1 200 OK, page /two", "/one", "/two"),
  top: plain("GiB", "--once"),
  log_rotate: {
    async stage() {
      const folder = await Deno.makeTempDir();
      return {
        args: [`${folder}/app.log`],
        prints: "152 lines written, 0 lost",
        [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
      };
    },
  },
  timers: plain("5 jobs are done", "5"),
  cat: plain("# Changelog", "CHANGELOG.md"),
  tail_f: {
    async stage() {
      const folder = await Deno.makeTempDir();
      const path = `${folder}/app.log`;
      await Deno.writeTextFile(path, "first\nsecond\nthi");
      // The rest of the third line comes while it is watched.
      const later = setTimeout(() => Deno.writeTextFile(path, "rd\n", { append: true }), 50);
      return {
        args: [path, "10", "3"],
        prints: "first\nsecond\nthird\n",
        async [Symbol.asyncDispose]() {
          clearTimeout(later);
          await Deno.remove(folder, { recursive: true });
        },
      };
    },
  },
  download: {
    async stage() {
      const folder = await Deno.makeTempDir();
      const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
      const server = Deno.serve(options, () => new Response("x".repeat(200_000)));
      const url = `http://127.0.0.1:${server.addr.port}`;
      return {
        args: [folder, `${url}/one.txt`, `${url}/two.txt`],
        prints: `${url}/two.txt: 200000 bytes`,
        async [Symbol.asyncDispose]() {
          await server.shutdown();
          await Deno.remove(folder, { recursive: true });
        },
      };
    },
  },
  frames: plain("Cid: welcome, somebody asked: is everybody here?"),
  udp_echo: plain("the answer: is anybody there?", "127.0.0.1", "0", "1"),
  ring: plain("50 hops in", "50"),
  worker_pool: plain("2262 primes below 20000", "20000"),
  supervisor: plain("stopped, and nothing is left"),
  keep_alive_child: plain("stopped after 3 ends and 2 new starts"),
  echo_server: visited("2 lines, then the end", (port) => [port, "--once"], async (_, sock) => {
    await say(sock, ["one", "two"]);
  }),
  sharded: visited("echoed 2 lines", (port) => [port, "--once"], async (_, sock) => {
    await say(sock, ["one", "two"]);
  }),
  chat_server: visited("Ann: hello", (port) => [port, "--once"], async (port, ann) => {
    await using bob = await unwrap(connect("127.0.0.1", port));
    await ann.send("Ann\n");
    await bob.send("Bob\n");
    for await (const line of bob.lines()) if (line === "* Bob came") break;
    await ann.send("hello\n");
    for await (const line of bob.lines()) if (line === "Ann: hello") break;
  }),
  chat_web: visited("Ann: hello", (port) => [port, "--once"], async (port) => {
    const ann = await unwrap(websocket.connect(`ws://127.0.0.1:${port}/ws`));
    await ann.send('{"name":"Ann"}');
    await ann.receive();
    await ann.send('{"text":"hello"}');
    await ann.receive();
    await ann.close();
  }),
  dashboard: visited("looks", (port) => [port, "50", "--once"], async (port) => {
    const page = await unwrap(websocket.connect(`ws://127.0.0.1:${port}/ws`));
    for (let n = 0; n < 3; n++) await page.receive();
    await page.close();
  }),
  tls_echo: visited(
    "localhost was asked for, echo/1",
    (port) => [`${FIXTURES}/server.pem`, `${FIXTURES}/server_key.pem`, port, "--once"],
    async (_, sock) => {
      const ca = await Deno.readTextFile(`${FIXTURES}/ca.pem`);
      unwrap(await sock.sslhandshake({ ca, servername: "localhost", alpn: ["echo/1"] }));
      await say(sock, ["over", "TLS"]);
    },
  ),
  hello_http: visited("every request was answered", (port) => [port, "--once"], async (_, sock) => {
    const answer = await get(sock, "/events");
    if (!answer.includes("data: second 4")) throw new Error(`it answered '${answer}'`);
  }),
  static: visited(
    "GET /cat.ts: 206",
    (port) => ["examples", port, "--once"],
    async (_, sock) => {
      const answer = await get(sock, "/cat.ts", "Range: bytes=0-2\r\n");
      if (!answer.endsWith("/**")) throw new Error(`it answered '${answer}'`);
    },
  ),
  proxy: {
    async stage() {
      const server = unwrap(await listen("127.0.0.1", 0));
      // It answers when it has heard the end: a proxy that cannot pass it on hangs.
      void server.autospawn(async (sock) => {
        const [request] = await sock.receive("*a", { encoding: "utf-8" });
        await sock.send(`${request}, heard to the end`);
      });
      const args = (port: string) => [port, "127.0.0.1", String(server.port), "--once"];
      const setting = visited("5 bytes up, 23 bytes down", args, async (_, sock) => {
        await sock.send("hello");
        await sock.shutdown("send");
        const [answer] = await sock.receive("*a", { encoding: "utf-8" });
        if (answer !== "hello, heard to the end") throw new Error(`it answered '${answer}'`);
      });
      const stage = await setting.stage();
      return {
        ...stage,
        async [Symbol.asyncDispose]() {
          await stage[Symbol.asyncDispose]();
          await server.shutdown();
        },
      };
    },
  },
  redis_ping: {
    needs: ["redis-server"],
    async stage() {
      const port = freePort();
      const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", ""];
      const server = new Running(find("redis-server")!, args);
      await listening(port);
      return {
        args: ["127.0.0.1", String(port)],
        prints: "+PONG I am 5, over a reused socket",
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  },
};
