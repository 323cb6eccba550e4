/** Every call of the server that may wait: killed, aborted and timed out in the wait. */
import { assertEquals } from "@std/assert";
import type { HttpRequest, HttpResponse, Result } from "../../http/mod.ts";
import { kill, list, self, sleep, type Thread, ThreadKilled } from "../../thread/mod.ts";
import { inKilled } from "../kill/killed.ts";
import { ask, dial, send, serve } from "./raw.ts";

interface Options {
  timeout?: number;
  signal?: AbortSignal;
}

type Call = (req: HttpRequest, res: HttpResponse, options: Options) => Promise<Result<unknown>>;

/** Calls until it fails: the client may have room for a while, also after a wait in vain. */
async function fill(call: () => Promise<Result<unknown>>): Promise<Result<unknown>> {
  for (;;) {
    const result = await call();
    if (result[1] !== null) return result;
  }
}

const PIECE = "x".repeat(256 * 1024);

/** A file that never comes to its end. */
const endless = {
  read: (length: number): Promise<Result<Uint8Array>> =>
    Promise.resolve([new Uint8Array(length), null]),
};

/** The calls, and what each waits for: the client sends no body, and reads nothing. */
const CALLS: Record<string, Call> = {
  "req.body": (req, _res, options) => req.body(1_000, options),
  "req.body, a long one": (req, _res, options) => req.body(undefined, options),
  "req.text": (req, _res, options) => req.text(undefined, options),
  "req.json": (req, _res, options) => req.json(undefined, options),
  "req.form": (req, _res, options) => req.form(undefined, options),
  "res.write": (_req, res, options) => fill(() => res.write(PIECE, options)),
  "res.flush": (_req, res, options) =>
    fill(() => {
      res.add(PIECE);
      return res.flush(options);
    }),
  "res.event": (_req, res, options) => fill(() => res.event(PIECE, options)),
  "res.sendfile": (_req, res, options) => res.sendfile(endless, 0, 1e12, options),
};

/** Runs a call in a handler until it waits for good, does `act`, and gives what came of it. */
async function inTheWait(
  name: string,
  options: Options,
  act: (thread: Thread) => void,
): Promise<unknown> {
  const length = name === "req.body, a long one" ? 100_000 : 10;
  const begun = Promise.withResolvers<Thread>();
  const over = Promise.withResolvers<unknown>();
  const server = await serve(async (req, res) => {
    begun.resolve(self());
    try {
      const [, err] = await CALLS[name]!(req, res, options);
      over.resolve(err?.code);
    } catch (error) {
      over.resolve(error);
      throw error;
    }
  });
  const sock = await dial(server.port);
  await sock.send(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${length}\r\n\r\nabc`);
  const thread = await begun.promise;
  // It waits for good when it is still in the wait that it was in before the last look.
  for (let wait = "", same = 0; same < 5;) {
    await sleep(5);
    const state = list().find(({ id }) => id === thread.id)?.state.replace(/, \d+ ms$/, "") ?? "";
    same = state !== "running" && state === wait ? same + 1 : 0;
    wait = state;
    if (options.timeout !== undefined) break;
  }
  act(thread);
  const outcome = await over.promise;
  sock.close_immediately();
  await server.close();
  return outcome;
}

for (const name of Object.keys(CALLS)) {
  Deno.test(`${name}() throws ThreadKilled when its thread is killed in the wait`, async () => {
    const thrown = await inTheWait(name, { timeout: 0 }, (thread) => kill(thread, "enough"));
    if (!(thrown instanceof ThreadKilled)) throw new Error(`it gave ${thrown}`);
    assertEquals(thrown.reason, "enough");
  });

  Deno.test(`${name}() throws ThreadKilled in a thread that was killed before`, async () => {
    const over = Promise.withResolvers<unknown>();
    await using server = await serve(async (req, res) => {
      over.resolve(await inKilled(() => CALLS[name]!(req, res, {})));
    });
    const text = send(server.port, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc");
    assertEquals(await over.promise, "killed");
    server.close();
    await text;
  });

  Deno.test(`${name}() gives cancelled when its signal is aborted`, async () => {
    const { signal, abort } = controller();
    assertEquals(await inTheWait(name, { timeout: 0, signal }, abort), "cancelled");
  });

  Deno.test(`${name}() gives timeout when its time has passed`, async () => {
    assertEquals(await inTheWait(name, { timeout: 30 }, () => {}), "timeout");
  });
}

/** What gives the same however often it is asked for, and what makes it so. */
const SAME: Record<string, [call: Call, prepare?: Call | null, method?: string]> = {
  "req.body() of one that was too long": [(req) => req.body(1)],
  "req.body() of one that is longer than what is wanted now": [
    (req) => req.body(1),
    (req) => req.body(),
  ],
  "req.body() of one that is read already": [
    (req) => req.body(),
    async (req) => [await req.request.bytes(), null],
  ],
  "res.flush() of nothing": [(_req, res) => res.flush()],
  "res.write() to HEAD": [(_req, res) => res.write("more"), null, "HEAD"],
};

for (const [name, [call, prepare, method = "POST"]] of Object.entries(SAME)) {
  Deno.test(`a loop of ${name} lets timers through, and ends with a kill`, async () => {
    const over = Promise.withResolvers<unknown>();
    await using server = await serve(async (req, res) => {
      await prepare?.(req, res, {});
      let late = false;
      const timer = setTimeout(() => late = true, 0);
      for (let n = 0; n < 1_000_000 && !late; n++) await call(req, res, {});
      clearTimeout(timer);
      over.resolve([late, await inKilled(() => call(req, res, {}))]);
    });
    const length = method === "HEAD" ? "" : "Content-Length: 3\r\n";
    const request = `${method} / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n${length}\r\n`;
    const text = send(server.port, method === "HEAD" ? request : `${request}abc`);
    assertEquals(await over.promise, [true, "killed"]);
    await text;
  });
}

Deno.test("a body that nobody may wait for is not begun, and does no harm when its client goes", async () => {
  const given = Promise.withResolvers<unknown>();
  const server = await serve(async (req) => {
    if (req.method !== "POST") return new Response("still here");
    given.resolve((await req.body(undefined, { signal: AbortSignal.abort() }))[1]?.code);
    await sleep(60_000);
  });
  const sock = await dial(server.port);
  await sock.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc");
  assertEquals(await given.promise, "cancelled");
  sock.close_immediately();
  // The runtime tells of a client that has gone only while its body is read.
  for (let n = 0; n < 5; n++) {
    assertEquals((await ask(server.port, "GET /")).body, "still here");
  }
  assertEquals(server.requests, 1);
  await server.close();
});

function controller(): { signal: AbortSignal; abort: () => void } {
  const abort = new AbortController();
  return { signal: abort.signal, abort: () => abort.abort() };
}
