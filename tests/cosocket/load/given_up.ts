/**
 * Run by tcp_test.ts in a process of its own: gives up many connects in the very moment
 * when they succeed, and prints how many connections the system still has of them.
 */
import { connect } from "../../../cosocket/mod.ts";

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const accepting = (async () => {
  for await (const conn of listener) conn.close();
})();
const server = listener.addr.port.toString(16).toUpperCase().padStart(4, "0");

/** Connections to the server that our side has not closed. */
function open(): number {
  const rows = Deno.readTextFileSync("/proc/net/tcp").split("\n").slice(1)
    .map((row) => row.trim().split(/\s+/));
  // Established, and closed by the other side only.
  return rows.filter(([, , to, state]) =>
    to?.endsWith(`:${server}`) && (state === "01" || state === "08")
  ).length;
}

for (let n = 0; n < Number(Deno.args[0]); n++) {
  const connecting = connect("127.0.0.1", listener.addr.port, { timeout: 1 });
  // Held up, the loop meets the answer and the deadline in one turn.
  const end = performance.now() + 1 + Math.random();
  while (performance.now() < end);
  const [sock] = await connecting;
  sock?.close_immediately();
}
const end = performance.now() + 10_000;
while (open() > 0 && performance.now() < end) await new Promise((go) => setTimeout(go, 0));
console.log(open());
listener.close();
await accepting;
