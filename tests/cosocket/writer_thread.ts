/** A thread that writes a line each time it is asked to: see `otherThread` of servers.ts. */
const scope = self as unknown as {
  onmessage: (event: MessageEvent<{ port: number; asked: Int32Array }>) => void;
};

scope.onmessage = async ({ data: { port, asked } }) => {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  for (let done = 0;; done++) {
    while (Atomics.load(asked, 0) === done) Atomics.wait(asked, 0, done);
    await conn.write(new TextEncoder().encode("in time\n"));
  }
};
