// Round trips of 64 bytes on node:net: PORT CONNECTIONS TRIPS, a round for each line of input.
import net from "node:net";
import readline from "node:readline";

const [port, connections, trips] = process.argv.slice(2).map(Number);
const message = Buffer.alloc(64, "x");
message[63] = 10;

const sockets = await Promise.all(
  Array.from({ length: connections }, () =>
    new Promise((resolve) => {
      const socket = net.connect({ host: "127.0.0.1", port, noDelay: true }, () => {
        socket.write(Buffer.of(1));
        resolve(socket);
      });
    })),
);
console.log("ready");

function round(socket) {
  return new Promise((resolve) => {
    let left = trips;
    let here = 0;
    const hear = (bytes) => {
      here += bytes.length;
      if (here < 64) return;
      here = 0;
      if (--left > 0) return socket.write(message);
      socket.off("data", hear);
      resolve();
    };
    socket.on("data", hear);
    socket.write(message);
  });
}

for await (const _ of readline.createInterface({ input: process.stdin })) {
  const begun = performance.now();
  await Promise.all(sockets.map(round));
  console.log((performance.now() - begun) / 1000);
}
process.exit();
