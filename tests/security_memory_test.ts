/** What strangers do costs memory while it lasts, and not for ever. */
import { assert, assertEquals } from "@std/assert";
import { configArgs } from "../tools/config.ts";

const config = await configArgs();

/** Runs a program of ours, which may collect garbage when it likes, and gives what it prints. */
async function printed(program: string, flags: string[]): Promise<string> {
  const common = ["run", ...config, "--no-check", "--no-prompt", "--v8-flags=--expose-gc"];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...common, ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, success } = await child.output();
  assert(success);
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("clients that leave in the middle of a TLS handshake are forgotten soon after its timeout", async () => {
  const program = `
    import { once } from "node:events";
    import * as net from "node:net";
    import { listen } from "./cosocket/mod.ts";
    const read = (name) => Deno.readTextFileSync("tests/fixtures/" + name + ".pem");
    const [server] = await listen("127.0.0.1", 0, {
      ssl: { cert: read("server"), key: read("server_key") },
      handshake_timeout: 100,
      onerror() {},
    });
    const serving = server.autospawn((sock) => sock.close());
    async function leave(count) {
      for (let n = 0; n < count; n++) {
        const sock = net.connect(server.port, "127.0.0.1");
        await once(sock, "connect");
        // The beginning of a record.
        sock.write(new Uint8Array([22, 3, 1]));
        await new Promise((resolve) => setImmediate(resolve));
        sock.resetAndDestroy();
        await once(sock, "close");
      }
    }
    const heap = () => (gc(), Deno.memoryUsage().heapUsed);
    await leave(20);
    const before = heap();
    await leave(200);
    // Two minutes is how long the runtime would hold them, a quarter of that is time enough.
    let after = heap();
    for (let n = 0; n < 300 && after > before + 1_500_000; n++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      after = heap();
    }
    console.log(after <= before + 1_500_000 ? "forgotten" : "held: " + (after - before));
    await server.close();
    await serving;
  `;
  assertEquals(await printed(program, ["--allow-net=127.0.0.1", "--allow-read"]), "forgotten");
});

const questions: [flag: string, asked: string[]][] = [
  ["--allow-net", ['{"name":"net"}']],
  ["--allow-net=127.0.0.1", ['{"name":"net"}', '{"name":"net","host":"127.0.0.1"}']],
];

for (const [flag, wanted] of questions) {
  Deno.test(`a server of datagrams asks no question for each of its clients, under ${flag}`, async () => {
    // The runtime keeps every question that it was ever asked.
    const program = `
      import { udp } from "./cosocket/mod.ts";
      const asked = new Set();
      for (const name of ["querySync", "requestSync"]) {
        const ask = Deno.permissions[name].bind(Deno.permissions);
        Deno.permissions[name] = (what) => (asked.add(JSON.stringify(what)), ask(what));
      }
      const server = udp();
      await server.bind("127.0.0.1", 0);
      for (let n = 0; n < 20; n++) {
        const client = udp({ encoding: "utf-8" });
        await client.bind("127.0.0.1", 0);
        const [{ port }] = client.localaddr();
        await server.sendto("hello", "127.0.0.1", port);
        await client.receive();
        await client.close();
      }
      await server.close();
      console.log(JSON.stringify([...asked]));
    `;
    assertEquals(JSON.parse(await printed(program, [flag])), wanted);
  });
}
