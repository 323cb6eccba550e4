/** The sending half, over a runtime that is made of a list: order, and what gives up. */
import { assertEquals } from "@std/assert";
import { IoError, type Result } from "../../websocket/mod.ts";
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
