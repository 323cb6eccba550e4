/**
 * The client beside plain `fetch`: small answers one at a time and 16 at a time, JSON there
 * and back, and a large body. Both keep their connections; the server is another process.
 *
 *     deno task bench http_client
 */
import { client, httprequest } from "../http/mod.ts";
import { unwrap } from "../core/mod.ts";
import { compare, rate } from "./compare.ts";

const SERVER = `
  const large = new Uint8Array(64 * 1024 * 1024);
  Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }, (req) => {
    if (req.method === "POST") return new Response(req.body);
    return req.url.endsWith("/large") ? new Response(large) : new Response("hello");
  });
`;

/** Starts the server and gives where it is. */
async function startServer(): Promise<{ url: string } & Disposable> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-net=127.0.0.1",
      "data:text/javascript," + encodeURIComponent(SERVER),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = new TextDecoder().decode(value).trim();
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      reader.cancel();
      child.kill();
    },
  };
}

using server = await startServer();
const url = `${server.url}/`;
await using http = client();
const engine = Deno.createHttpClient({});

/** Makes `count` requests, so many at a time. */
function requests(count: number, atATime: number, one: () => Promise<unknown>): Promise<number> {
  return rate(count, () =>
    Promise.all(Array.from({ length: atATime }, async () => {
      for (let n = 0; n < count / atATime; n++) await one();
    })));
}

/** Throws unless an answer is what it should be. */
function check(answer: string): void {
  if (answer !== "hello") throw new Error(`it answered '${answer}'`);
}

for (const atATime of [1, 16]) {
  const count = 1_600;
  await compare({
    name: `http client: hello, ${atATime} at a time`,
    unit: "requests/s",
    rounds: 15,
    contenders: {
      "fetch()": () =>
        requests(count, atATime, async () => {
          check(await (await fetch(url, { client: engine })).text());
        }),
      "fetch(), timeout, body by pieces": () =>
        requests(count, atATime, async () => {
          // What it takes to bound each wait with fetch alone.
          const abort = new AbortController();
          const timer = setTimeout(() => abort.abort(), 30_000);
          const response = await fetch(url, { client: engine, signal: abort.signal });
          let text = "";
          for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
            text += piece;
          }
          clearTimeout(timer);
          check(text);
        }),
      "client.get()": () =>
        requests(count, atATime, async () => {
          check(await unwrap((await unwrap(http.get(url))).text()));
        }),
      "httprequest(), pool_size": () =>
        requests(count, atATime, async () => {
          const [res] = await httprequest(url, { pool_size: 16 });
          check(res!.body);
        }),
    },
  });
}

const value = { text: "x".repeat(1_000) };
await compare({
  name: "http client: 1 KiB of JSON there and back",
  unit: "requests/s",
  rounds: 15,
  contenders: {
    "fetch()": () =>
      requests(1_600, 16, async () => {
        const body = JSON.stringify(value);
        const headers = { "content-type": "application/json" };
        await (await fetch(url, { client: engine, method: "POST", headers, body })).json();
      }),
    "client.post()": () =>
      requests(1_600, 16, async () => {
        await unwrap((await unwrap(http.post(url, undefined, { json: value }))).json());
      }),
  },
});

const SIZE = 64 * 1024 * 1024;
await compare({
  name: "http client: 64 MiB received",
  unit: "B/s",
  rounds: 9,
  contenders: {
    "fetch(), body by pieces": () =>
      rate(SIZE, async () => {
        const response = await fetch(`${url}large`, { client: engine });
        let size = 0;
        for await (const piece of response.body!) size += piece.length;
        if (size !== SIZE) throw new Error(`it was ${size} bytes`);
      }),
    "client.get(), save()": () =>
      rate(SIZE, async () => {
        const res = await unwrap(http.get(`${url}large`));
        let size = 0;
        await unwrap(res.save({
          write(piece) {
            size += piece.length;
            return Promise.resolve([true, null]);
          },
        }));
        if (size !== SIZE) throw new Error(`it was ${size} bytes`);
      }),
    "client.get(), stream": () =>
      rate(SIZE, async () => {
        await using res = await unwrap(http.get(`${url}large`));
        let size = 0;
        for (;;) {
          const piece = await unwrap(res.stream.receiveany(65_536));
          if (piece === null) break;
          size += piece.length;
        }
        if (size !== SIZE) throw new Error(`it was ${size} bytes`);
      }),
  },
});
engine.close();
