/** Downloads: into files, streams, with progress, and nothing half left behind. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { unwrap } from "../../core/mod.ts";
import { open, readfile, tmpfile } from "../../eio/mod.ts";
import { client } from "../../http/client.ts";
import type { SaveTarget } from "../../http/client.ts";
import { pair } from "../../stream/mod.ts";
import { kill, newthread, scope, wait } from "../../thread/mod.ts";
import { raw, serve, silent, whole } from "./client_servers.ts";

const LARGE = "0123456789".repeat(100_000);

/** A folder of its own, and what is in it. */
async function folder() {
  const path = await Deno.makeTempDir();
  return {
    path,
    names: async () => (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort(),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

Deno.test("HttpClient.download() writes the file when all of it has come, and tells how far it is", async () => {
  await using dir = await folder();
  await using server = await raw((sock) => sock.send(whole(LARGE)));
  await using http = client({ base: server.url });
  const path = `${dir.path}/large`;
  await Deno.writeTextFile(path, "old");
  const seen: [number, number | null, string][] = [];
  const progress = async (done: number, total: number | null) => {
    seen.push([done, total, await Deno.readTextFile(path)]);
  };
  assertEquals(await http.download("/large", path, { progress }), [LARGE.length, null]);
  assertEquals(await readfile(path, { encoding: "utf-8" }), [LARGE, null]);
  assert(seen.length > 1);
  assertEquals(seen.at(-1), [LARGE.length, LARGE.length, "old"]);
  assertEquals(await dir.names(), ["large"]);
  assertEquals(http.stats(), { busy: 0, waiting: 0 });
});

Deno.test("HttpClient.download() of a status but 2xx is reply, and makes no file", async () => {
  await using dir = await folder();
  await using server = serve(() => new Response("nothing here", { status: 404 }));
  await using http = client({ base: server.url });
  const [, err] = await http.download("/a", `${dir.path}/a`);
  assertEquals([err?.code, err?.message], [
    "reply",
    `Cannot download ${server.url}/a: it answered 404 Not Found`,
  ]);
  assertEquals(await dir.names(), []);
});

const BROKEN: [what: string, head: string, options: object, code: string, sent: number][] = [
  ["that breaks off", "Content-Length: 9", {}, "eof", 3],
  ["over max, announced", "Content-Length: 9", { max: 8 }, "too_long", 0],
  ["over max, as it comes", "Connection: close", { max: 2 }, "too_long", 3],
];

for (const [what, head, options, code, sent] of BROKEN) {
  Deno.test(`HttpClient.download() of a body ${what} is ${code}, and leaves the old file`, async () => {
    await using dir = await folder();
    await Deno.writeTextFile(`${dir.path}/a`, "old");
    await using server = await raw(async (sock) => {
      await sock.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\nabc`);
      await sock.close();
    });
    await using http = client({ base: server.url });
    const [, err] = await http.download("/a", `${dir.path}/a`, options);
    assertEquals([err?.code, err?.sent], [code, sent]);
    assertEquals([await dir.names(), await Deno.readTextFile(`${dir.path}/a`)], [["a"], "old"]);
  });
}

Deno.test("a kill, a timeout and a progress that throws leave nothing of a download", async () => {
  await using dir = await folder();
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    await silent(sock);
  });
  await using http = client({ base: server.url });
  const path = `${dir.path}/a`;
  const ended = server.ended();
  // A scope ends when the killed thread has unwound.
  await scope(async () => {
    const begun = Promise.withResolvers<void>();
    const thread = newthread(() => http.download("/a", path, { progress: () => begun.resolve() }));
    await begun.promise;
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
  });
  await ended;
  assertEquals(await dir.names(), []);
  assertEquals((await http.download("/a", path, { body_timeout: 20 }))[1]?.code, "timeout");
  const thrown = new Error("no more");
  const [, err] = await http.download("/a", path, {
    progress: () => {
      throw thrown;
    },
  });
  assertEquals([err?.code, err?.cause], ["failed", thrown]);
  assertEquals(await dir.names(), []);
  assertEquals(http.stats(), { busy: 0, waiting: 0 });
});

Deno.test("a download to where no file can be is the file's error", async () => {
  await using dir = await folder();
  await using server = serve(() => new Response("a"));
  await using http = client({ base: server.url });
  assertEquals((await http.download("/a", `${dir.path}/none/a`))[1]?.code, "not_found");
  await Deno.mkdir(`${dir.path}/here`);
  assertEquals((await http.download("/a", `${dir.path}/here`))[1]?.code, "is_dir");
  assertEquals(await dir.names(), ["here"]);
});

Deno.test("ClientResponse.save() writes to an open file, from its cursor on", async () => {
  await using server = serve(() => new Response("body"));
  await using http = client();
  await using file = await unwrap(tmpfile());
  await unwrap(file.write("head "));
  const res = await unwrap(http.get(server.url));
  assertEquals(await res.save(file), [4, null]);
  assertEquals(new TextDecoder().decode((await file.read(100, 0))[0]!), "head body");
});

Deno.test("ClientResponse.save() sends to a stream, no faster than it takes", async () => {
  await using server = await raw((sock) => sock.send(whole(LARGE)));
  await using http = client();
  const [ours, theirs] = pair();
  const res = await unwrap(http.get(server.url));
  const saving = res.save(ours);
  for (let at = 0; at < LARGE.length; at += 100_000) {
    assertEquals((await theirs.receive(100_000))[0]?.length, 100_000);
  }
  assertEquals(await saving, [LARGE.length, null]);
  await Promise.all([ours.close(), theirs.close()]);
});

Deno.test("ClientResponse.save() to a stream that is closed is closed", async () => {
  await using server = await raw((sock) => sock.send(whole(LARGE)));
  await using http = client();
  const [ours, theirs] = pair();
  await Promise.all([ours.close(), theirs.close()]);
  await using res = await unwrap(http.get(server.url));
  assertEquals((await res.save(ours))[1]?.code, "closed");
});

Deno.test("ClientResponse.save() throws for what is no target", async () => {
  await using server = serve(() => new Response("a"));
  await using http = client();
  await using res = await unwrap(http.get(server.url));
  await assertRejects(() => res.save(1 as unknown as SaveTarget), TypeError, "save wants");
  assertEquals(await res.text(), ["a", null]);
});

Deno.test("what one client downloads another uploads, through a file, byte for byte", async () => {
  await using dir = await folder();
  await using server = serve(async (request) => {
    if (request.method === "GET") return new Response(LARGE);
    return Response.json([request.headers.get("content-length"), await request.text() === LARGE]);
  });
  await using http = client({ base: server.url });
  await unwrap(http.download("/", `${dir.path}/a`));
  await using file = await unwrap(open(`${dir.path}/a`));
  const res = await unwrap(http.put("/", file));
  assertEquals(await res.json(), [[String(LARGE.length), true], null]);
});

Deno.test("what body() has read, or begun to read, save() and stream still give", async () => {
  await using server = await raw((sock) => sock.send(whole(LARGE)));
  await using http = client({ base: server.url });
  let saved = "";
  const sink = {
    write(piece: Uint8Array) {
      saved += new TextDecoder().decode(piece);
      return Promise.resolve<[true, null]>([true, null]);
    },
  };
  const res = await unwrap(http.get("/"));
  assertEquals((await res.body({ max: 10 }))[1]?.code, "too_long");
  const stop = new Error("begun");
  await res.body({
    progress: () => {
      throw stop;
    },
  });
  assertEquals(await res.save(sink), [LARGE.length, null]);
  assertEquals(saved === LARGE, true);

  const again = await unwrap(http.get("/"));
  assertEquals((await again.body())[0]?.length, LARGE.length);
  saved = "";
  assertEquals(await again.save(sink), [LARGE.length, null]);
  assertEquals(saved === LARGE, true);
  assertEquals((await again.body())[0]?.length, LARGE.length);
  assertEquals(await again.stream.receive(10, { encoding: "utf-8" }), ["0123456789", null]);
  await again.close();
});

Deno.test("a byte at a time takes memory for the bytes, not for the pieces", async () => {
  const bytes = 2_000;
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let n = 0; n < bytes; n++) await sock.send("1\r\nx\r\n");
    await sock.send("0\r\n\r\n");
  });
  await using http = client();
  const res = await unwrap(http.get(server.url));
  const [body] = await res.body();
  assertEquals([body?.length, body?.buffer.byteLength], [bytes, bytes]);
});
