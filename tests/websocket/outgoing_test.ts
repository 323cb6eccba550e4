/** The sending half, over a runtime that is made of a list: order, and what gives up. */
import { assertEquals } from "@std/assert";
import { IoError, type Result } from "../../websocket/mod.ts";
import { settingsOf } from "../../websocket/_options.ts";
import { Wire } from "../../websocket/_wire.ts";
import { Outgoing, type Outlet } from "../../websocket/_outgoing.ts";

/** A runtime that holds what it was handed until it is told to let it go. */
class Held implements Outlet {
  readonly handed: (string | Uint8Array)[] = [];
  open = true;
  buffered = 0;
  over: IoError | null = null;

  hand(message: string | Uint8Array): void {
    this.handed.push(message);
    this.buffered += message.length;
  }

  refusal(): IoError | null {
    return this.over;
  }
}

const MARK = 4;

function halves() {
  const held = new Held();
  const outgoing = new Outgoing("there", MARK, held);
  const send = (message: string, signal?: AbortSignal): Promise<Result<true>> =>
    outgoing.send(message, { timeout: 0, signal, owner: held });
  return { held, outgoing, send };
}

Deno.test("Outgoing.send() overtakes nothing, even if there is room when it comes", async () => {
  const { held, outgoing, send } = halves();
  await send("12345");
  const waiting = send("first");
  held.buffered = 0;
  const late = send("second");
  outgoing.post("third");
  assertEquals(held.handed, ["12345"]);
  outgoing.pump();
  assertEquals(held.handed, ["12345", "first"]);
  held.buffered = 0;
  outgoing.pump();
  held.buffered = 0;
  outgoing.pump();
  assertEquals(held.handed, ["12345", "first", "second", "third"]);
  assertEquals(await Promise.all([waiting, late]), [[true, null], [true, null]]);
});

Deno.test("Outgoing.post() keeps a copy of bytes that have to wait", () => {
  const { held, outgoing } = halves();
  held.open = false;
  const message = new Uint8Array([1, 2, 3]);
  outgoing.post(message);
  message.fill(9);
  held.open = true;
  outgoing.pump();
  assertEquals(held.handed, [new Uint8Array([1, 2, 3])]);
});

Deno.test("Outgoing.send() hands nothing over when its signal is aborted already", async () => {
  const { held, send } = halves();
  assertEquals((await send("never", AbortSignal.abort()))[1]?.code, "cancelled");
  assertEquals(held.handed, []);
});

Deno.test("Outgoing.pump() keeps to the mark, Outgoing.flush() hands all over", async () => {
  const { held, outgoing, send } = halves();
  await send("12345");
  const sends = ["a", "b", "c"].map((message) => send(message));
  outgoing.pump();
  assertEquals([held.handed.length, outgoing.waiting, outgoing.busy], [1, 8, true]);
  outgoing.flush();
  assertEquals([held.handed, outgoing.busy], [["12345", "a", "b", "c"], false]);
  assertEquals(await Promise.all(sends), sends.map(() => [true, null]));
});

Deno.test("Outgoing.fail() answers all that wait, and later sends are refused", async () => {
  const { held, outgoing, send } = halves();
  held.open = false;
  const sends = [send("a"), send("b")];
  held.over = new IoError("reset", "over");
  outgoing.fail(held.over);
  assertEquals((await Promise.all([...sends, send("c")])).map(([, err]) => err?.code), [
    "reset",
    "reset",
    "reset",
  ]);
  outgoing.post("d");
  assertEquals(held.handed, []);
});

/** A WebSocket of a server, whose bytes leave one at each look, and whose peer talks on. */
class Talkative extends EventTarget {
  readonly readyState = WebSocket.OPEN;
  readonly protocol = "";
  readonly closed: Promise<[code: number, looks: number]>;
  binaryType = "";
  looks = 0;
  #close!: (end: [code: number, looks: number]) => void;
  readonly #until: { left: number; quiet: number };

  constructor(until: { left: number; quiet: number }) {
    super();
    this.#until = until;
    this.closed = new Promise((resolve) => this.#close = resolve);
  }

  get bufferedAmount(): number {
    this.looks += 1;
    if (this.looks <= this.#until.quiet) {
      this.dispatchEvent(new MessageEvent("message", { data: "and another thing" }));
    }
    return Math.max(0, this.#until.left - this.looks);
  }

  close(code: number): void {
    this.#close([code, this.looks]);
    this.dispatchEvent(new CloseEvent("close", { wasClean: true, code, reason: "" }));
  }
}

for (const until of [{ left: 4, quiet: 0 }, { left: 0, quiet: 3 }]) {
  const why = until.left > 0 ? "all has left" : "nothing comes any more";
  Deno.test(`Wire.close() of a server says goodbye when ${why}`, async () => {
    const socket = new Talkative(until);
    const settings = settingsOf({ close_timeout: 0 }, "test");
    const wire = new Wire(socket as unknown as WebSocket, "server", "ws://there/", settings);
    assertEquals(await wire.close(1_000, ""), [true, null]);
    assertEquals(await socket.closed, [1_000, 4]);
  });
}
