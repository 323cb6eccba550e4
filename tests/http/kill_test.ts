/** Every call of the server that may wait: killed, aborted and timed out in the wait. */
import { assertEquals } from "@std/assert";
import type { HttpRequest, HttpResponse, Result } from "../../http/mod.ts";
import { kill, list, self, sleep, type Thread, ThreadKilled } from "../../thread/mod.ts";
import { ask, dial, serve } from "./raw.ts";

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

  Deno.test(`${name}() gives cancelled when its signal is aborted`, async () => {
    const { signal, abort } = controller();
    assertEquals(await inTheWait(name, { timeout: 0, signal }, abort), "cancelled");
  });

  Deno.test(`${name}() gives timeout when its time has passed`, async () => {
    assertEquals(await inTheWait(name, { timeout: 30 }, () => {}), "timeout");
  });
}

Deno.test("a body that nobody may wait for is not begun, and does no harm when its client goes", async () => {
  const given: unknown[] = [];
  const done = Promise.withResolvers<void>();
  const server = await serve(async (req) => {
    if (req.method === "GET") return;
    given.push((await req.body(undefined, { signal: AbortSignal.abort() }))[1]?.code);
    await done.promise;
  });
  const sock = await dial(server.port);
  await sock.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc");
  while (given.length === 0) await sleep(1);
  sock.close_immediately();
  // By these answers a read that had been begun would have failed.
  for (let n = 0; n < 5; n++) assertEquals((await ask(server.port, "GET /")).status, 204);
  done.resolve();
  assertEquals(given, ["cancelled"]);
  await server.close();
});

function controller(): { signal: AbortSignal; abort: () => void } {
  const abort = new AbortController();
  return { signal: abort.signal, abort: () => abort.abort() };
}
