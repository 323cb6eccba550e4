import { assert, assertEquals } from "@std/assert";
import * as tls from "node:tls";
import { readHello } from "../../cosocket/_client_hello.ts";
import { random } from "../stream/promise.ts";

/** What the runtime's own client begins a connection with. */
async function helloFor(servername: string): Promise<Uint8Array> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const options = { host: "127.0.0.1", port: listener.addr.port, rejectUnauthorized: false };
  const client = tls.connect({ ...options, ...(servername === "" ? {} : { servername }) });
  const gone = new Promise((resolve) => client.once("close", resolve));
  client.on("error", () => {});
  const conn = await listener.accept();
  const bytes = new Uint8Array(16_384);
  const count = await conn.read(bytes);
  conn.close();
  listener.close();
  client.destroy();
  await gone;
  return bytes.slice(0, count!);
}

/** The same message in records of so many bytes. */
function recut(hello: Uint8Array, size: number): Uint8Array {
  const message = hello.subarray(5);
  const records: number[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(22, 3, 1, part.length >> 8, part.length & 255, ...part);
  }
  return Uint8Array.from(records);
}

Deno.test("readHello() finds the name a client asks for, in small letters", async () => {
  assertEquals(readHello(await helloFor("Some.Example")), { name: "some.example" });
  assertEquals(readHello(await helloFor("")), { name: null });
});

Deno.test("readHello() says how much is missing, until the name is there, however it is cut", async () => {
  const hello = await helloFor("cut.example");
  for (const bytes of [hello, recut(hello, 100), recut(hello, 30)]) {
    let asked = 0;
    for (;;) {
      const found = readHello(bytes.subarray(0, asked));
      if ("name" in found) {
        assertEquals([found.name, asked], ["cut.example", bytes.length]);
        break;
      }
      assert(found.needs > asked, "it asks for what it has");
      asked = found.needs;
    }
    for (let length = 0; length < bytes.length; length++) {
      const { needs } = readHello(bytes.subarray(0, length)) as { needs: number };
      assert(needs > length && needs <= bytes.length, `${needs} of ${bytes.length} at ${length}`);
    }
  }
});

Deno.test("readHello() has no name for what is no hello, and takes no end of records", async () => {
  const hello = await helloFor("cut.example");
  assertEquals(readHello(new TextEncoder().encode("GET / HTTP/1.1\r\n")), { name: null });
  assertEquals(readHello(Uint8Array.from([22, 3, 1, 0, 4, 2, 0, 0, 0])), { name: null });
  assertEquals(readHello(Uint8Array.from([22, 3, 1, 0, 4, 1, 255, 0, 0])), { name: null });
  assertEquals(readHello(recut(hello, 1)), { name: null });
});

Deno.test("readHello() never throws, whatever bytes are changed", async () => {
  const hello = await helloFor("cut.example");
  const next = random(7);
  for (let round = 0; round < 5_000; round++) {
    const bytes = hello.slice();
    for (let n = 0; n < 1 + next() * 4; n++) {
      bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
    }
    const found = readHello(bytes);
    if ("name" in found) assert(found.name === null || /^[\x21-\x7e]+$/.test(found.name));
    else assert(found.needs > bytes.length);
  }
});
