/**
 * The HTTP server beside plain `Deno.serve`, and beside node:http and nginx with Lua where
 * these are there: a line of text, and 1 KiB of JSON. Each server is a process of its own.
 * The floor is `Deno.serve` with a context of `AsyncLocalStorage` for each request, and
 * nothing else: no server whose handlers run in threads can be faster than that.
 * The load is wrk's where it is there, 64 connections, and else that of plain Deno.
 *
 *     deno task bench http
 */
import { type Handler, listen, unwrap } from "../http/mod.ts";
import { AsyncLocalStorage } from "node:async_hooks";
import { compare } from "./compare.ts";

const CONNECTIONS = 64;

/** So long is a round of wrk. */
const SECONDS = 1;

/** So many requests are a round without it. */
const REQUESTS = 20_000;

const item = { message: "x".repeat(1_000), n: 1 };

/** What the handlers answer: `/` with text, all else with JSON. */
const isText = (url: string) => url.endsWith("/");

const options = { hostname: "127.0.0.1", port: 0, onListen() {} };

function answer(request: Request): Response {
  return isText(request.url) ? new Response("hello world") : Response.json(item);
}

function servePlain(): void {
  console.log(Deno.serve(options, (request) => answer(request)).addr.port);
}

function serveFloor(): void {
  const store = new AsyncLocalStorage<object>();
  const { addr } = Deno.serve(options, (request) => store.run({}, () => answer(request)));
  console.log(addr.port);
}

async function serveOurs(handler: Handler): Promise<void> {
  console.log((await unwrap(listen("127.0.0.1", 0, handler))).port);
}

const SERVERS: Record<string, () => void | Promise<void>> = {
  "Deno.serve": servePlain,
  "Deno.serve, AsyncLocalStorage": serveFloor,
  "(req, res)": () =>
    serveOurs((req, res) => {
      if (req.uri === "/") res.add("hello world");
      else res.json(item);
    }),
  "async (req, res)": () =>
    serveOurs(async (req, res) => {
      await null;
      if (req.uri === "/") res.add("hello world");
      else res.json(item);
    }),
  "fetch(request)": () => serveOurs({ fetch: answer }),
};

/** A server in a process of its own. */
interface Running extends AsyncDisposable {
  port: number;
}

async function start(command: string[]): Promise<Running> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, { args, stdin: "null", stdout: "piped" }).spawn();
  const reader = child.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value));
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill();
      await reader.cancel();
      await child.status;
    },
  };
}

function startOurs(name: string): Promise<Running> {
  const self = new URL(import.meta.url).pathname;
  return start([Deno.execPath(), "run", "--allow-net=127.0.0.1", "--no-check", self, name]);
}

const HERE = new URL("foreign/", import.meta.url).pathname;

/** Where nginx's modules are: Debian's folder, or another that is named. */
const modulesOf = () => Deno.env.get("NGINX_MODULES") ?? "/usr/lib/nginx/modules";

/** nginx does not say when it listens, so it is asked. */
async function startNginx(): Promise<Running> {
  const folder = await Deno.makeTempDir();
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  const lua = Deno.env.get("NGINX_LUA") ?? "/usr/share/lua/5.1";
  const text = (await Deno.readTextFile(`${HERE}http_nginx.conf`))
    .replaceAll("MODULES", modulesOf()).replaceAll("LUA/", `${lua}/`).replaceAll("PORT", `${port}`);
  await Deno.writeTextFile(`${folder}/nginx.conf`, text);
  const args = ["-p", folder, "-c", "nginx.conf"];
  const child = new Deno.Command("nginx", { args, stdin: "null" }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  while (!await Deno.connect({ port }).then((conn) => (conn.close(), true), () => false)) {
    if (ended) throw new Error("nginx did not begin");
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function works(command: string, ...args: string[]): Promise<boolean> {
  try {
    const options = { args, stdin: "null", stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(command, options).output()).success;
  } catch {
    return false; // Not on the PATH.
  }
}

const hasFile = (path: string) => Deno.stat(path).then(() => true, () => false);

/** Requests a second, by wrk. */
async function wrk(port: number, path: string): Promise<number> {
  const url = `http://127.0.0.1:${port}${path}`;
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${SECONDS}s`, url];
  const { stdout } = await new Deno.Command("wrk", { args }).output();
  const text = new TextDecoder().decode(stdout);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text)?.[1];
  if (rate === undefined || /Non-2xx|Socket errors/.test(text)) throw new Error(text);
  return Number(rate);
}

/** Requests a second, by plain Deno: one after the other on each connection. */
async function own(port: number, path: string): Promise<number> {
  const request = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  const decoder = new TextDecoder();
  const mark = path === "/" ? "hello world" : '"n":1}';
  let left = REQUESTS;
  const begun = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const buffer = new Uint8Array(4_096);
    while (left-- > 0) {
      await conn.write(request);
      for (let text = ""; !text.endsWith(mark);) {
        const count = await conn.read(buffer);
        if (count === null) throw new Error("it ended");
        text += decoder.decode(buffer.subarray(0, count));
      }
    }
  }));
  return REQUESTS / (performance.now() - begun) * 1_000;
}

async function main(): Promise<void> {
  const load = await works("wrk", "-v") || await hasFile("/usr/bin/wrk") ? wrk : own;
  await using stack = new AsyncDisposableStack();
  const ports: Record<string, number> = {};
  const add = async (name: string, starting: Promise<Running>) => {
    ports[name] = stack.use(await starting).port;
  };
  for (const name of Object.keys(SERVERS)) await add(name, startOurs(name));
  if (await works("node", "--version")) {
    await add("node:http", start(["node", `${HERE}http_node.mjs`]));
  } else console.log("not here, and left out: node:http");
  if (await hasFile(`${modulesOf()}/ngx_http_lua_module.so`)) await add("nginx, Lua", startNginx());
  else console.log("not here, and left out: nginx, Lua");
  const names = Object.keys(ports);
  // The answers first: who is fast with another one is no contender.
  for (const name of names) {
    const base = `http://127.0.0.1:${ports[name]}`;
    const [text, json] = await Promise.all(
      ["/", "/json"].map(async (path) => await (await fetch(base + path)).text()),
    );
    if (text !== "hello world" || json !== JSON.stringify(item)) {
      throw new Error(`${name} answers '${text}' and '${json}'`);
    }
  }
  for (const [title, path] of [["hello", "/"], ["1 KiB of JSON", "/json"]] as const) {
    await compare({
      name: `http server, ${title}`,
      unit: "requests/s",
      rounds: 9,
      contenders: Object.fromEntries(names.map((name) => [name, () => load(ports[name]!, path)])),
    });
  }
}

const [name] = Deno.args;
if (name === undefined) await main();
else await SERVERS[name]!();
