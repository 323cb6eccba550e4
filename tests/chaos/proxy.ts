/**
 * A proxy that is bad on purpose: it delays, splits down to single bytes, stalls, cuts off,
 * resets, half-closes and swallows, as a seed says. It stands on Node's sockets and not on
 * ours, so that a fault of ours is not on both sides; and only they can send a reset.
 */
import { once } from "node:events";
import * as net from "node:net";
import { type Fate, fateOf, piecesOf, type Weather } from "./course.ts";

/** A proxy that runs, until it is disposed. */
export interface Proxy extends AsyncDisposable {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** How each connection ended that was brought down, by its number. */
  readonly ends: Map<number, Fate>;
  /** The connections that it has accepted. */
  readonly accepted: number;
  /** How often it wrote one piece, and how often it paused, stalls among them. */
  readonly deeds: { pieces: number; singles: number; pauses: number; stalls: number };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Starts a proxy before a port of 127.0.0.1. */
export async function chaos(target: number, seed: number, weather: Weather): Promise<Proxy> {
  const ends = new Map<number, Fate>();
  const deeds = { pieces: 0, singles: 0, pauses: 0, stalls: 0 };
  const sockets = new Set<net.Socket>();
  const pumps: Promise<void>[] = [];
  let accepted = 0;

  const keep = (socket: net.Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    // What fails shows where it is read and written; without a listener it would throw.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };

  /** Writes and waits until it is out; false if it never will be. */
  const write = (to: net.Socket, bytes: Uint8Array) =>
    new Promise<boolean>((resolve) => {
      if (to.destroyed || to.writableEnded) return resolve(false);
      const gone = () => resolve(false);
      to.once("close", gone);
      to.write(bytes, (error) => {
        to.off("close", gone);
        resolve(error === null || error === undefined);
      });
    });

  function connection(client: net.Socket, number: number): void {
    const server = keep(net.connect({ host: "127.0.0.1", port: target, allowHalfOpen: true }));
    const fate = fateOf(seed, number, weather);
    let blackhole = false;
    /** What comes this way is read and dropped: unread, it would turn an end into a reset. */
    const swallowing = { up: false, down: false };

    /** Carries the fate out. */
    function strike({ end, direction }: Fate): void {
      ends.set(number, fate!);
      if (end === "blackhole") blackhole = true;
      if (end === "reset") {
        client.resetAndDestroy();
        server.resetAndDestroy();
      }
      for (const way of ["up", "down"] as const) {
        if (end !== "truncate" && (end !== "half-close" || way !== direction)) continue;
        swallowing[way] = true;
        (way === "up" ? server : client).end();
      }
    }

    async function pump(direction: "up" | "down"): Promise<void> {
      const [from, to] = direction === "up" ? [client, server] : [server, client];
      const pieces = piecesOf(seed, number, direction, weather);
      const end = fate?.direction === direction ? fate : null;
      let at = 0;
      let piece = pieces.next().value;
      try {
        if (end?.at === 0) strike(end);
        for await (const chunk of from.iterator({ destroyOnReturn: false })) {
          let bytes = chunk as Uint8Array;
          while (bytes.length > 0 && !swallowing[direction]) {
            if (blackhole) return;
            if (piece.pause > 0) {
              deeds.pauses += 1;
              if (piece.pause >= 30) deeds.stalls += 1;
              await rest(piece.pause);
              piece.pause = 0;
            }
            const left = end === null ? Infinity : end.at - at;
            const count = Math.min(piece.bytes, bytes.length, left);
            if (!await write(to, bytes.subarray(0, count))) {
              if (swallowing[direction]) break;
              from.destroy();
              return;
            }
            deeds.pieces += 1;
            if (count === 1) deeds.singles += 1;
            at += count;
            bytes = bytes.subarray(count);
            piece.bytes -= count;
            if (piece.bytes === 0) {
              piece = pieces.next().value;
              await turn();
            }
            if (end !== null && at === end.at) strike(end);
          }
        }
        if (!blackhole) to.end();
      } catch {
        // Whoever resets on one side is passed on as a reset to the other.
        if (!to.destroyed) to.resetAndDestroy();
      }
    }
    server.on("error", () => client.resetAndDestroy());
    // Nothing befalls a connection before both sides of it stand.
    server.once("connect", () => pumps.push(pump("up"), pump("down")));
  }

  const listener = net.createServer({ allowHalfOpen: true }, (client) => {
    connection(keep(client), accepted++);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");

  return {
    port: (listener.address() as net.AddressInfo).port,
    ends,
    get accepted() {
      return accepted;
    },
    deeds,
    async [Symbol.asyncDispose]() {
      const closed = once(listener, "close");
      listener.close();
      // Heard of all before any is destroyed: the end of one is the end of another.
      const over = [...sockets].map((socket) => once(socket, "close"));
      for (const socket of [...sockets]) socket.destroy();
      await Promise.all(over);
      await Promise.all(pumps);
      await closed;
    },
  };
}
