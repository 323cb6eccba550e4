/** Many requests at a time, given up in every way, to a server that misbehaves in every way. */
import { assert, assertEquals } from "@std/assert";
import { client, type HttpClient } from "../../http/client.ts";
import type { IoError } from "../../core/mod.ts";
import { kill, newthread, scope, sleep, wait } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { type Misbehave, raw, silent, whole } from "./client_servers.ts";

/** What the server does, by the second part of the path; the first is the request's own tag. */
const SERVER: Record<string, (tag: string) => Misbehave> = {
  whole: (tag) => (sock) => sock.send(whole(tag)),
  chunks: (tag) => async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const char of tag) await sock.send(`1\r\n${char}\r\n`);
    await sock.send("0\r\n\r\n");
  },
  large: (tag) => (sock) => sock.send(whole("x".repeat(200_000) + tag)),
  redirect: (tag) => (sock) =>
    sock.send(`HTTP/1.1 302 Found\r\nLocation: /${tag}/whole\r\nContent-Length: 0\r\n\r\n`),
  silent: () => silent,
  end: () => (sock) => sock.close(),
  cut: (tag) => async (sock) => {
    await sock.send(`HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n${tag}`);
    await sock.close();
  },
  stuck: (tag) => async (sock) => {
    await sock.send(`HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n${tag}`);
    await silent(sock);
  },
};

/** Only what would never end by itself is given a limit: no end depends on the machine's speed. */
function limitOf(path: string): number {
  return /silent|stuck/.test(path) ? 50 : 0;
}

/** What the client does with a request: gives the body's end, or the error. */
type Use = (http: HttpClient, path: string, method: string) => Promise<string | IoError | null>;

const USES: Record<string, Use> = {
  async reads(http, path, method) {
    const [res, err] = await http.request(path, { method, deadline: limitOf(path) });
    if (err !== null) return err;
    const [text, bodyErr] = await res.text();
    return bodyErr ?? text;
  },
  async ["looks at the status"](http, path, method) {
    const [res, err] = await http.request(path, { method, deadline: limitOf(path) });
    await res?.close();
    return err;
  },
  async ["aborts"](http, path, method) {
    const abort = new AbortController();
    const asked = http.request(path, { method, signal: abort.signal, deadline: limitOf(path) });
    await sleep(Math.random() * 8);
    abort.abort();
    const [res, err] = await asked;
    if (err !== null) return err;
    const [text, bodyErr] = await res.text();
    return bodyErr ?? text;
  },
  async ["is killed"](http, path, method) {
    const thread = newthread(() => USES.reads!(http, path, method));
    await sleep(Math.random() * 8);
    kill(thread);
    const [text, err] = await wait(thread);
    return err ?? text;
  },
  async ["has no time"](http, path, method) {
    const [res, err] = await http.request(path, { method, deadline: 1 + Math.random() * 8 });
    if (err !== null) return err;
    const [text, bodyErr] = await res.text();
    return bodyErr ?? text;
  },
};

/** The ends that a request may come to. */
const ENDS = new Set(["timeout", "cancelled", "killed", "eof", "reset"]);

Deno.test(`${sizes.clientRequests} requests, given up in every way, cross no answers and leak no place`, async () => {
  await using server = await raw((sock, heard) => {
    const [, tag, kind] = heard.line.split(" ")[1]!.split("/");
    return SERVER[kind!]!(tag!)(sock, heard);
  });
  await using http = client({ base: server.url, per_host: 8, timeout: 0, retries: { delay: 0 } });
  const kinds = Object.keys(SERVER);
  const uses = Object.entries(USES);
  const ends = new Map<string, number>();
  let next = 0;

  async function lane(): Promise<void> {
    while (next < sizes.clientRequests) {
      const n = next++;
      const kind = kinds[n % kinds.length]!;
      const [, use] = uses[Math.floor(n / kinds.length) % uses.length]!;
      const method = n % 3 === 0 ? "POST" : "GET";
      const end = await use(http, `/${n}/${kind}`, method);
      if (typeof end === "string") {
        assert(end.endsWith(String(n)), `${n} got '${end.slice(-20)}'`);
        assertEquals(end.length, String(n).length + (kind === "large" ? 200_000 : 0));
      } else if (end !== null) {
        assert(ENDS.has(end.code), `${n}/${kind}: ${end}`);
      }
      const name = typeof end === "string" ? "whole" : end?.code ?? "closed";
      ends.set(name, (ends.get(name) ?? 0) + 1);
    }
  }
  // A scope ends when the killed threads have unwound, too.
  await scope(() => Promise.all(Array.from({ length: 24 }, lane)));

  assertEquals(http.stats(), { busy: 0, waiting: 0 });
  for (const end of ["whole", "timeout", "cancelled", "killed", "eof"]) {
    assert((ends.get(end) ?? 0) > 0, `none came to ${end}`);
  }
  // What may not be done twice was not asked for twice.
  const posts = server.heard.filter(({ line }) => line.startsWith("POST"));
  assertEquals(new Set(posts.map(({ line }) => line)).size, posts.length);
});
