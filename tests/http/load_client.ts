/**
 * Run by load_test.ts, for descriptors of its own: holds many kept connections to one
 * server, sends rounds of requests on each, and prints how many answers were right.
 */
const [port, count, rounds] = Deno.args.map(Number) as [number, number, number];
const decoder = new TextDecoder();
const encoder = new TextEncoder();

const conns: Deno.Conn[] = [];
// Few at a time: the kernel's queue of connections that were not accepted is short.
while (conns.length < count) {
  const some = Math.min(100, count - conns.length);
  const dial = () => Deno.connect({ hostname: "127.0.0.1", port });
  conns.push(...await Promise.all(Array.from({ length: some }, dial)));
}

let right = 0;

async function ask(conn: Deno.Conn, path: string): Promise<void> {
  await conn.write(encoder.encode(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`));
  const buffer = new Uint8Array(1_024);
  let text = "";
  while (!text.endsWith(path)) {
    const size = await conn.read(buffer);
    if (size === null) return;
    text += decoder.decode(buffer.subarray(0, size));
  }
  if (text.startsWith("HTTP/1.1 200 OK\r\n")) right += 1;
}

for (let round = 0; round < rounds; round++) {
  await Promise.all(conns.map((conn, n) => ask(conn, `/${round}/${n}`)));
}
console.log(right);
for (const conn of conns) conn.close();
