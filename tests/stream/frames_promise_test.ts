/** The promise, for frames: whatever gives up in between, every frame arrives once and whole. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type BufferedStream,
  type FrameCodec,
  pair,
  type ReadResult,
  select,
} from "../../stream/mod.ts";
import { kill, newthread, ThreadKilled } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";

/** A length of one byte, then so many: the same on the wire as a head of 1. */
const codec: FrameCodec<Uint8Array> = {
  encode: (bytes) => [new Uint8Array([bytes.length]), bytes],
  decode: (bytes) =>
    bytes.length <= bytes[0]! ? bytes[0]! + 1 : [bytes.slice(1, bytes[0]! + 1), bytes[0]! + 1],
};

/** Ways to ask in vain, or not: each gives a frame or `null`. */
const ASKS: Record<string, (stream: BufferedStream) => Promise<Uint8Array | null>> = {
  async waits(stream) {
    return (await stream.receive_frame({ timeout: 0 }))[0];
  },
  async waitsWithCodec(stream) {
    return (await stream.receive_frame(codec, { timeout: 0 }))[0];
  },
  async timesOut(stream) {
    return (await stream.receive_frame({ timeout: 0.01 }))[0];
  },
  async timesOutWithCodec(stream) {
    return (await stream.receive_frame(codec, { timeout: 0.01 }))[0];
  },
  async aborts(stream) {
    const aborter = new AbortController();
    const waiting = stream.receive_frame({ signal: aborter.signal });
    aborter.abort();
    return (await waiting)[0];
  },
  async isInterrupted(stream) {
    const waiting = stream.receive_frame(codec);
    stream.interrupt();
    return (await waiting)[0];
  },
  async isKilled(stream) {
    const calls: Promise<ReadResult<Uint8Array>>[] = [];
    kill(newthread(() => {
      calls.push(stream.receive_frame());
      return calls[0];
    }));
    try {
      return (await calls[0]!)[0];
    } catch (error) {
      if (error instanceof ThreadKilled) return null;
      throw error;
    }
  },
  async isTooLong(stream) {
    const [length] = stream.pending > 0 ? (await stream.peek(1))[0]! : [0];
    if (length === undefined || length === 0) return null;
    assertEquals((await stream.receive_frame({ max: length - 1 }))[1]?.code, "too_long");
    return null;
  },
  async selects(stream) {
    await select([stream], { timeout: 0.01 });
    return null;
  },
  tries(stream) {
    const before = stream.pending;
    assertEquals(stream.try_receive(1_000_000)[1]?.code, "timeout");
    assertEquals(stream.pending, before);
    return Promise.resolve(null);
  },
};

Deno.test("receive_frame() loses nothing and gives nothing twice, whatever gives up in between", async () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 255 }), { minLength: 1, maxLength: 12 });
  const cuts = fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 20 });
  const asks = fc.array(fc.constantFrom(...Object.keys(ASKS)), { minLength: 1, maxLength: 40 });
  const property = fc.asyncProperty(frames, cuts, asks, async (frames, cuts, asks) => {
    const [a, b] = pair({ capacity: 64 });
    b.set_rwopt({ read_head_bytes: 1 });
    const wire = new Uint8Array(frames.flatMap((frame) => [frame.length, ...frame]));
    const sending = (async () => {
      for (let at = 0, n = 0; at < wire.length; n++) {
        const size = cuts[n % cuts.length]!;
        await a.send(wire.subarray(at, at + size), { timeout: 0 });
        at += size;
      }
    })();
    for (let got = 0, n = 0; got < frames.length; n++) {
      // After all of them it waits, so that it comes to an end.
      const ask = n < asks.length ? asks[n]! : "waits";
      const frame = await ASKS[ask]!(b);
      if (frame !== null) assertEquals([...frame], [...frames[got++]!], `frame ${got}, ${ask}`);
    }
    await sending;
    assertEquals(b.pending, 0);
    a.close_immediately();
    b.close_immediately();
  });
  await fc.assert(property, { numRuns: sizes.pairRuns });
});
