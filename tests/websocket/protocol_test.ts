/**
 * The cases of the Autobahn suite that a program can see, as tables: raw frames against
 * our server and against our client. Frames are the runtime's own; what is tested is what
 * reaches the program, and that nothing else does.
 */
import { assertEquals } from "@std/assert";
import type { ErrorCode, Message, MessageSocket } from "../../websocket/mod.ts";
import type { TcpSocket } from "../../cosocket/mod.ts";
import { frame, rawClient, rawServer, receiveFrame } from "./ends.ts";

const TEXT = 0x81;
const BINARY = 0x82;
const CLOSE = 0x88;
const PING = 0x89;
const PONG = 0x8a;
/** Without FIN: the first frame of several, and those after it. */
const TEXT_PART = 0x01;
const BINARY_PART = 0x02;
const PART = 0x00;
const LAST = 0x80;

type Step = [head: number, payload: string | number[] | Uint8Array];

const closeOf = (code: number, reason = ""): Step => [
  CLOSE,
  [code >> 8, code & 255, ...new TextEncoder().encode(reason)],
];

/** Both roles: raw frames that a client sends to our server, and a server to our client. */
const ROLES = { server: () => rawClient(), client: () => rawServer() };

function both(
  name: string,
  fn: (ends: { ours: MessageSocket; raw: TcpSocket; mask: boolean }) => Promise<void>,
): void {
  for (const [role, open] of Object.entries(ROLES)) {
    Deno.test(`${role}: ${name}`, async () => {
      await using ends = await open();
      await fn(ends);
    });
  }
}

async function play(raw: TcpSocket, steps: Step[], mask: boolean): Promise<void> {
  for (const [head, payload] of steps) await raw.send(frame(head, payload, mask));
}

const long = new Uint8Array(125).map((_, at) => at);

/** What is one message, in however many frames. */
const WHOLE: Record<string, [steps: Step[], message: Message]> = {
  "an empty text": [[[TEXT, ""]], ""],
  "an empty binary": [[[BINARY, ""]], new Uint8Array(0)],
  "a text in two frames": [[[TEXT_PART, "ab"], [LAST, "cd"]], "abcd"],
  "a binary in two frames": [[[BINARY_PART, [1]], [LAST, [2]]], new Uint8Array([1, 2])],
  "a text in many frames, some empty": [
    [[TEXT_PART, ""], [PART, "a"], [PART, ""], [PART, "b"], [LAST, ""]],
    "ab",
  ],
  "a text in frames of one byte that cut its characters": [
    [[TEXT_PART, [0xf0]], [PART, [0x9f]], [PART, [0x98]], [LAST, [0x80]]],
    "😀",
  ],
  "a text with a ping between its frames": [[[TEXT_PART, "a"], [PING, "p"], [LAST, "b"]], "ab"],
  "a text with a pong that nobody asked for between its frames": [
    [[TEXT_PART, "a"], [PONG, "p"], [LAST, "b"]],
    "ab",
  ],
  "a text behind a pong that nobody asked for": [[[PONG, long], [TEXT, "a"]], "a"],
  "U+0000, U+FEFF, U+FFFF and the last character": [
    [[TEXT, "\0\uFEFF\uFFFF\u{10FFFF}"]],
    "\0\uFEFF\uFFFF\u{10FFFF}",
  ],
};

for (const [name, [steps, message]] of Object.entries(WHOLE)) {
  both(`receive() gives ${name} whole`, async ({ ours, raw, mask }) => {
    await play(raw, steps, mask);
    assertEquals(await ours.receive(), [message, null]);
    // Nothing else came of it: the next message is the next one.
    await play(raw, [[TEXT, "next"]], mask);
    assertEquals(await ours.receive(), ["next", null]);
  });
}

for (const length of [0, 1, 125]) {
  both(`a ping of ${length} bytes is answered with a pong of the same`, async (ends) => {
    const { raw, mask } = ends;
    await play(raw, [[PING, long.subarray(0, length)]], mask);
    assertEquals(await receiveFrame(raw), { head: PONG, payload: long.subarray(0, length) });
  });
}

both("ten pings are answered in order", async ({ raw, mask }) => {
  for (let n = 0; n < 10; n++) await raw.send(frame(PING, [n], mask));
  for (let n = 0; n < 10; n++) {
    assertEquals((await receiveFrame(raw))?.payload, new Uint8Array([n]));
  }
});

/** What breaks the protocol: the code it would deserve. The runtime cuts the connection. */
const BROKEN: Record<string, [steps: Step[], code: number, word: ErrorCode]> = {
  "a text that is not UTF-8": [[[TEXT, [0xce, 0xba, 0xe1, 0xff]]], 1007, "bad_text"],
  "a text that ends in the middle of a character": [[[TEXT, [0xce]]], 1007, "bad_text"],
  "an overlong character": [[[TEXT, [0xc0, 0xaf]]], 1007, "bad_text"],
  "half of a surrogate pair": [[[TEXT, [0xed, 0xa0, 0x80]]], 1007, "bad_text"],
  "a character beyond the last": [[[TEXT, [0xf4, 0x90, 0x80, 0x80]]], 1007, "bad_text"],
  "a text in frames that is not UTF-8": [
    [[TEXT_PART, "ok"], [LAST, [0xff]]],
    1007,
    "bad_text",
  ],
  "the first reserved bit": [[[TEXT | 0x40, "x"]], 1002, "protocol"],
  "the second reserved bit": [[[BINARY | 0x20, "x"]], 1002, "protocol"],
  "the third reserved bit": [[[PING | 0x10, "x"]], 1002, "protocol"],
  "a reserved opcode of data (3)": [[[0x83, "x"]], 1002, "protocol"],
  "a reserved opcode of data (7)": [[[0x87, "x"]], 1002, "protocol"],
  "a reserved opcode of control (11)": [[[0x8b, "x"]], 1002, "protocol"],
  "a reserved opcode of control (15)": [[[0x8f, "x"]], 1002, "protocol"],
  "a continuation of nothing": [[[LAST, "x"]], 1002, "protocol"],
  "an unfinished continuation of nothing": [[[PART, "x"]], 1002, "protocol"],
  "a new text in the middle of another": [[[TEXT_PART, "a"], [TEXT, "b"]], 1002, "protocol"],
  "a ping in two frames": [[[0x09, "x"]], 1002, "protocol"],
  "a close in two frames": [[[0x08, [3, 232]]], 1002, "protocol"],
  "a ping of 126 bytes": [[[PING, new Uint8Array(126)]], 1002, "protocol"],
  "a close of one byte": [[[CLOSE, [3]]], 1002, "protocol"],
  "a close whose reason is not UTF-8": [[[CLOSE, [3, 232, 0xff]]], 1007, "bad_text"],
  ...Object.fromEntries(
    [0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((code) => [
      `a close with ${code}`,
      [[closeOf(code)], 1002, "protocol"] as const,
    ]),
  ) as Record<string, [Step[], number, ErrorCode]>,
};

for (const [name, [steps, code, word]] of Object.entries(BROKEN)) {
  both(`${name} is ${word} (${code}), behind what came before`, async (ends) => {
    const { ours, raw, mask } = ends;
    await play(raw, [[TEXT, "before"], ...steps], mask);
    assertEquals(await ours.receive(), ["before", null]);
    const [message, err] = await ours.receive();
    assertEquals([message, err?.code, ours.code], [null, word, code]);
    assertEquals((await ours.receive())[1]?.code, word);
    assertEquals((await ours.send("x"))[1]?.code, "reset");
    // The runtime says nothing but a close, if that, and ends the connection.
    for (let got = await receiveFrame(raw); got !== null; got = await receiveFrame(raw)) {
      assertEquals(got.head, CLOSE);
    }
  });
}

/** What a close of the other side is to a receive. */
const CLOSES: [code: number | null, seen: number, word: ErrorCode | null][] = [
  [null, 1005, null],
  [1000, 1000, null],
  [1001, 1001, null],
  [1002, 1002, "protocol"],
  [1003, 1003, "protocol"],
  [1007, 1007, "bad_text"],
  [1008, 1008, "denied"],
  [1009, 1009, "too_long"],
  [1010, 1010, "protocol"],
  [1011, 1011, "reset"],
  [1012, 1012, "reset"],
  [1013, 1013, "reset"],
  [3000, 3000, null],
  [3999, 3999, null],
  [4000, 4000, null],
  [4999, 4999, null],
];

for (const [code, seen, word] of CLOSES) {
  both(`a close with ${code ?? "no code"} is ${word ?? "a clean end"}`, async (ends) => {
    const { ours, raw, mask } = ends;
    await play(raw, [[TEXT, "before"], code === null ? [CLOSE, []] : closeOf(code, "why")], mask);
    assertEquals(await ours.receive(), ["before", null]);
    const [message, err] = await ours.receive();
    assertEquals([message, err?.code ?? null], [null, word]);
    assertEquals([ours.code, ours.reason], [seen, code === null ? "" : "why"]);
    const answer = await receiveFrame(raw);
    assertEquals(answer?.head, CLOSE);
    if (code !== null) {
      assertEquals(answer?.payload.slice(0, 2), new Uint8Array([code >> 8, code & 255]));
    }
    assertEquals(await receiveFrame(raw), null);
  });
}

both("a reason of 123 bytes arrives whole", async ({ ours, raw, mask }) => {
  await play(raw, [closeOf(1000, "ü".repeat(61) + "x")], mask);
  assertEquals(await ours.receive(), [null, null]);
  assertEquals(ours.reason, "ü".repeat(61) + "x");
});

both("an end of the connection without a close is reset (1006)", async ({ ours, raw, mask }) => {
  await play(raw, [[TEXT, "before"]], mask);
  await raw.close();
  assertEquals(await ours.receive(), ["before", null]);
  assertEquals((await ours.receive())[1]?.code, "reset");
  assertEquals(ours.code, 1006);
});

both("an end in the middle of a frame is reset (1006)", async ({ ours, raw, mask }) => {
  await raw.send(frame(TEXT, "cut off", mask).subarray(0, 5));
  await raw.close();
  assertEquals((await ours.receive())[1]?.code, "reset");
  assertEquals(ours.code, 1006);
});

both("an end in the middle of a message is reset (1006)", async ({ ours, raw, mask }) => {
  await play(raw, [[TEXT_PART, "cut off"]], mask);
  await raw.close();
  assertEquals((await ours.receive())[1]?.code, "reset");
  assertEquals(ours.code, 1006);
});

both(
  "a frame that announces 65 MiB is too_long (1009), and nothing is held for it",
  async (ends) => {
    const { ours, raw, mask } = ends;
    const announced = [BINARY, 127 | (mask ? 0x80 : 0), 0, 0, 0, 0, 4, 16, 0, 0];
    await raw.send(new Uint8Array([...announced, 1, 2, 3, 4]));
    assertEquals((await ours.receive())[1]?.code, "too_long");
    assertEquals(ours.code, 1009);
  },
);

both("a frame in pieces of one byte is one message", async ({ ours, raw, mask }) => {
  for (const byte of frame(TEXT, "piece by piece", mask)) await raw.send(new Uint8Array([byte]));
  assertEquals(await ours.receive(), ["piece by piece", null]);
});

both("frames that come at once are messages in order", async ({ ours, raw, mask }) => {
  const words = Array.from({ length: 100 }, (_, n) => `word ${n}`);
  await raw.send(words.map((word) => frame(TEXT, word, mask)));
  for (const word of words) assertEquals(await ours.receive(), [word, null]);
});

both("close() says the code and the reason, and is over with the answer", async (ends) => {
  const { ours, raw, mask } = ends;
  const closing = ours.close(4_321, "why not");
  const { head, payload } = (await receiveFrame(raw))!;
  assertEquals([head, payload[0]! << 8 | payload[1]!], [CLOSE, 4_321]);
  assertEquals(new TextDecoder().decode(payload.subarray(2)), "why not");
  await play(raw, [[CLOSE, payload]], mask);
  assertEquals(await closing, [true, null]);
  assertEquals(await receiveFrame(raw), null);
});

// RFC 6455, 5.1, wants both cut off. The runtime takes them; no program can see the mask.
Deno.test("server: a frame without a mask is taken by the runtime", async () => {
  await using ends = await rawClient();
  await play(ends.raw, [[TEXT, "plain"]], false);
  assertEquals(await ends.ours.receive(), ["plain", null]);
});

Deno.test("server: silence is asked with a ping after half of idle_timeout, and ended after all of it", async () => {
  await using ends = await rawClient({ idle_timeout: 60 });
  assertEquals((await receiveFrame(ends.raw))?.head, PING);
  const [, err] = await ends.ours.receive();
  assertEquals([err?.code, ends.ours.code], ["reset", 1006]);
  assertEquals((await receiveFrame(ends.raw))?.head, CLOSE);
});

Deno.test("server: an answered ping keeps the connection", async () => {
  // Long enough that a machine which is busy elsewhere answers in time.
  await using ends = await rawClient({ idle_timeout: 2_000 });
  assertEquals((await receiveFrame(ends.raw))?.head, PING);
  await play(ends.raw, [[PONG, []]], true);
  assertEquals((await receiveFrame(ends.raw))?.head, PING);
  assertEquals(ends.ours.closed(), false);
});
