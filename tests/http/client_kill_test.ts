/** Every call of the client that may wait: a kill, a signal and a timeout reach it, and nothing is left. */
import { assertEquals } from "@std/assert";
import { unwrap } from "../../core/mod.ts";
import { client, type ClientResponse, type HttpClient } from "../../http/client.ts";
import { httprequest } from "../../http/httprequest.ts";
import { FakeClock, kill, newthread, scope, wait } from "../../thread/mod.ts";
import { inKilled } from "../kill/killed.ts";
import { raw, type RawServer, silent } from "./client_servers.ts";

interface Place {
  http: HttpClient;
  /** A response of which three bytes have come, and no more will. */
  res: ClientResponse;
  url: string;
  folder: string;
}

interface Bounds {
  timeout?: number;
  signal?: AbortSignal;
}

/** Each call, and whether it begins a request of its own. */
const CALLS: Record<string, [own: boolean, call: (at: Place, bounds: Bounds) => Promise<unknown>]> =
  {
    "HttpClient.request()": [true, ({ http }, bounds) => http.request("/silent", bounds)],
    "HttpClient.get()": [true, ({ http }, bounds) => http.get("/silent", bounds)],
    "HttpClient.head()": [true, ({ http }, bounds) => http.head("/silent", bounds)],
    "HttpClient.post()": [true, ({ http }, bounds) => http.post("/silent", "data", bounds)],
    "HttpClient.put()": [true, ({ http }, bounds) => http.put("/silent", "data", bounds)],
    "HttpClient.patch()": [true, ({ http }, bounds) => http.patch("/silent", "data", bounds)],
    "HttpClient.delete()": [true, ({ http }, bounds) => http.delete("/silent", bounds)],
    "HttpClient.download()": [
      true,
      ({ http, folder }, bounds) => http.download("/silent", `${folder}/a`, bounds),
    ],
    "httprequest()": [true, ({ url }, bounds) => httprequest(`${url}/silent`, bounds)],
    "httprequest() with a pool_size": [
      true,
      ({ url }, bounds) => httprequest(`${url}/silent`, { pool_size: 9, ...bounds }),
    ],
    "ClientResponse.body()": [false, ({ res }, bounds) => res.body(bounds)],
    "ClientResponse.text()": [false, ({ res }, bounds) => res.text(bounds)],
    "ClientResponse.json()": [false, ({ res }, bounds) => res.json(bounds)],
    "ClientResponse.save()": [false, ({ res, folder }, bounds) => res.save(`${folder}/a`, bounds)],
    "ClientResponse.stream": [false, ({ res }, bounds) => res.stream.receive("*a", bounds)],
  };

async function withPlace(fn: (at: Place, server: RawServer) => Promise<void>): Promise<void> {
  await using server = await raw(async (sock, { line }) => {
    if (line.includes("/stuck")) await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    await silent(sock);
  });
  const folder = await Deno.makeTempDir();
  {
    await using http = client({ base: server.url });
    await using res = await unwrap(http.get("/stuck"));
    await fn({ http, res, url: server.url, folder }, server);
  }
  assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
  await Deno.remove(folder);
}

for (const [name, [own, call]] of Object.entries(CALLS)) {
  Deno.test(`a kill reaches ${name} and leaves nothing of it`, async () => {
    await withPlace(async (at, server) => {
      const ended = server.ended();
      await scope(async () => {
        const heard = server.asked();
        const thread = newthread(() => call(at, {}));
        if (own) await heard;
        kill(thread, "enough");
        assertEquals((await wait(thread))[1]?.code, "killed");
      });
      if (own) await ended;
      // The response is not the killed thread's: its maker may read on.
      else if (!name.includes("save")) {
        assertEquals((await at.res.stream.receive(3, { encoding: "utf-8" }))[0], "abc");
      }
      assertEquals(at.http.stats(), { busy: 1, waiting: 0 });
    });
  });

  Deno.test(`${name} in a thread that was killed before throws that, and asks for nothing`, async () => {
    await withPlace(async (at, server) => {
      const asked = server.heard.length;
      // A response of the killed thread's own is given up with it.
      const mine = async () => own || (at.res = await unwrap(at.http.get("/stuck")));
      assertEquals(await inKilled(() => call(at, {}), mine), "killed");
      assertEquals(server.heard.length, asked + (own ? 0 : 1));
    });
  });

  Deno.test(`a signal and a timeout reach ${name} and leave nothing of it`, async () => {
    await withPlace(async (at, server) => {
      for (const how of ["cancelled", "timeout"]) {
        using clock = new FakeClock();
        const ended = server.ended();
        const heard = server.asked();
        const abort = new AbortController();
        const waiting = call(at, { signal: abort.signal, timeout: 1_000 }) as Promise<
          [unknown, { code: string } | null]
        >;
        if (own) await heard;
        if (how === "cancelled") abort.abort();
        let over = false;
        const answered = waiting.finally(() => over = true);
        // A file is opened first, for which no clock is asked.
        while (how === "timeout" && !over) await clock.tick(1_000);
        assertEquals((await answered)[1]?.code, how);
        if (own) await ended;
        assertEquals(at.http.stats(), { busy: 1, waiting: 0 });
      }
      // What is saved is taken, as far as it was written.
      if (!own && !name.includes("save")) {
        assertEquals((await at.res.stream.receive(3, { encoding: "utf-8" }))[0], "abc");
      }
    });
  });
}

Deno.test("a kill in the middle of an upload closes what it comes from, and the server sees no whole body", async () => {
  const got = Promise.withResolvers<string>();
  await using server = await raw(async (sock) => {
    const [body] = await sock.receive("*a", { encoding: "utf-8" });
    got.resolve(body ?? "");
  });
  await using http = client();
  const heard = server.asked();
  const closed = Promise.withResolvers<void>();
  async function* pieces() {
    try {
      for (;;) {
        yield "more";
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      closed.resolve();
    }
  }
  const thread = newthread(() => http.post(server.url, pieces()));
  await heard;
  kill(thread);
  await closed.promise;
  // A last chunk would say that this was all.
  assertEquals((await got.promise).endsWith("0\r\n\r\n"), false);
  assertEquals(http.stats(), { busy: 0, waiting: 0 });
});
