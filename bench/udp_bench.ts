/**
 * UDP round trips of 64 B and one-way sends, beside plain `node:dgram`.
 *
 *     deno task bench udp
 */
import * as dgram from "node:dgram";
import { udp, unwrap } from "../cosocket/mod.ts";
import { compare } from "./compare.ts";

const TRIPS = 5_000;
const SENDS = 20_000;
const data = new Uint8Array(64);

/** Runs `body` so many times; gives the rate. */
async function rate(count: number, body: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  for (let n = 0; n < count; n++) await body();
  return count / (performance.now() - begun) * 1_000;
}

function plainSocket(): Promise<dgram.Socket> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    socket.bind(0, "127.0.0.1", () => resolve(socket));
  });
}

const plain = await plainSocket();
const ours = udp();
await unwrap(ours.bind("127.0.0.1", 0));

// One echo for both, so that only the asking side differs.
const echo = await plainSocket();
echo.on("message", (message, from) => echo.send(message, from.port, from.address));
const { port } = echo.address();

// Nobody reads here: the kernel drops what is too much.
const sink = await plainSocket();
const sinkPort = sink.address().port;

await compare({
  name: "udp: round trips of 64 B",
  unit: "round trips/s",
  contenders: {
    "node:dgram": () =>
      rate(TRIPS, () =>
        new Promise((resolve) => {
          plain.once("message", resolve);
          plain.send(data, port, "127.0.0.1");
        })),
    "sendto, receivefrom": () =>
      rate(TRIPS, async () => {
        await ours.sendto(data, "127.0.0.1", port);
        await ours.receivefrom();
      }),
  },
});

await ours.setpeername("127.0.0.1", sinkPort);
await compare({
  name: "udp: sends of 64 B",
  unit: "sends/s",
  contenders: {
    "node:dgram, awaited": () =>
      rate(SENDS, () => new Promise((resolve) => plain.send(data, sinkPort, "127.0.0.1", resolve))),
    "send": () => rate(SENDS, () => ours.send(data)),
    "sendto": () => rate(SENDS, () => ours.sendto(data, "127.0.0.1", sinkPort)),
  },
});

plain.close();
echo.close();
sink.close();
await ours.close();
