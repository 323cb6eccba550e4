import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect, listen, type Server, unwrap } from "../../cosocket/mod.ts";
import { CERTS } from "./ends.ts";
import { turn } from "./servers.ts";

/** A path of its own for a test. */
async function place() {
  const folder = await Deno.makeTempDir();
  return {
    path: `${folder}/socket`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Leaves a socket file behind, as a server does that was killed. */
async function leaveBehind(path: string): Promise<void> {
  const code = `Deno.listen({ transport: "unix", path: Deno.args[0] });
    Deno.kill(Deno.pid, "SIGKILL");`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", code, path] }).output();
  assert((await Deno.lstat(path)).isSocket);
}

async function assertServes(server: Server, path: string): Promise<void> {
  const [client, [served]] = await Promise.all([unwrap(connect(path)), server.accept()]);
  await client.send("hello\n");
  assertEquals(await served!.receive(), ["hello", null]);
  await served!.send("back\n");
  assertEquals(await client.receive(), ["back", null]);
  await Promise.all([client.close(), served!.close()]);
}

const UNIX = { ignore: Deno.build.os === "windows" };

Deno.test(
  "listen(path) serves a Unix socket and removes its file when it is closed",
  UNIX,
  async () => {
    await using at = await place();
    const server = await unwrap(listen(at.path));
    assertEquals([server.address(), server.port], [{ family: "unix", path: at.path }, 0]);
    await assertServes(server, at.path);
    const accepting = server.accept({ timeout: 1 });
    assertStringIncludes((await accepting)[1]!.message, `accept on unix:${at.path}`);
    await server.close();
    assertEquals((await connect(at.path))[1]?.code, "not_found");
  },
);

Deno.test("listen(path) replaces the socket file of a dead server", UNIX, async () => {
  await using at = await place();
  await leaveBehind(at.path);
  assertEquals((await connect(at.path))[1]?.code, "refused");
  await using server = await unwrap(listen(at.path));
  await assertServes(server, at.path);
});

Deno.test(
  "listen(path) leaves a live server alone, also one that is too busy to accept",
  UNIX,
  async () => {
    await using at = await place();
    await using server = await unwrap(listen(at.path));
    const [, err] = await listen(at.path);
    assertEquals(err?.code, "in_use");
    assertStringIncludes(err!.message, "a server answers there");
    // The look was a connection, too.
    await (await unwrap(server.accept())).close();
    await assertServes(server, at.path);
    const held = [];
    for (;;) {
      const [sock] = await connect(at.path, { timeout: 20 });
      if (sock === null) break;
      held.push(sock);
    }
    assertEquals((await listen(at.path))[1]?.code, "in_use");
    await server.close();
    for (const sock of held) await sock.close();
  },
);

Deno.test("listen(path) leaves a file alone that is no socket", UNIX, async () => {
  await using at = await place();
  await Deno.writeTextFile(at.path, "precious");
  const [, err] = await listen(at.path);
  assertEquals(err?.code, "in_use");
  assertStringIncludes(err!.message, "a file is there that is no socket");
  assertEquals(await Deno.readTextFile(at.path), "precious");
});

Deno.test("of several that find a dead server's file at once, one listens", UNIX, async () => {
  await using at = await place();
  await leaveBehind(at.path);
  const results = await Promise.all([1, 2, 3, 4].map(() => listen(at.path)));
  const servers = results.flatMap(([server]) => server ?? []);
  assertEquals(servers.length, 1);
  for (const [, err] of results) assert(err === null || err.code === "in_use", err?.code);
  const serving = servers[0]!.autospawn((sock) => sock.send("here\n"));
  await using client = await unwrap(connect(at.path));
  assertEquals(await client.receive(), ["here", null]);
  await servers[0]!.close();
  await serving;
});

Deno.test("listen(path) sets the mode it is given", UNIX, async () => {
  await using at = await place();
  await using server = await unwrap(listen(at.path, { mode: 0o620 }));
  assertEquals((await Deno.lstat(at.path)).mode! & 0o777, 0o620);
  assertEquals(server.closed(), false);
});

Deno.test(
  "a Unix socket speaks TLS, keeps its limits, and is shut down as any other",
  UNIX,
  async () => {
    await using at = await place();
    const server = await unwrap(listen(at.path, { ssl: CERTS.server, maxconnections: 1 }));
    const spawning = server.autospawn((sock) => sock.receive("*l", { timeout: 0 }));
    const ssl = { ca: CERTS.ca, servername: "localhost" };
    const client = await unwrap(connect(at.path, { ssl }));
    const second = await unwrap(connect(at.path));
    for (let n = 0; n < 5; n++) await turn();
    assertEquals(server.connections, 1);
    assertEquals(await server.shutdown({ grace: 1 }), [1, null]);
    assertEquals(await spawning, [true, null]);
    await Promise.all([client.close(), second.close()]);
  },
);
