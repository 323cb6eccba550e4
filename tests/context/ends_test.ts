/** What happens around the end of contexts, and of the program. */
import { assertEquals } from "@std/assert";
import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers";
import {
  type Context,
  create,
  type CreateOptions,
  inside,
  type IoError,
  stuck_after,
  unwrap,
} from "../../context/mod.ts";
import { Brood } from "../../core/mod.ts";
import { Link } from "../../context/_link.ts";
import { makePlace } from "../../context/_place.ts";
import { endInThisTurn } from "../../context/_last_turn.ts";
import { drained as lastWords, LAST_WORDS } from "../../context/_process.ts";
import { drained, QUIET } from "../../context/_thread.ts";
import { on_error } from "../../thread/mod.ts";
import { isGone } from "../process/programs.ts";
import { program, within } from "./within.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);

/** Where the state of a process can be seen without a turn in between. */
const ignore = Deno.build.os !== "linux";

/** Waits in this turn until a process has ended; its watchdog is no part of the test. */
function endedInThisTurn(pid: number): void {
  const until = performance.now() + 60_000;
  while (!isGone(pid)) {
    if (performance.now() > until) throw new Error(`process ${pid}: not ended within 60 s`);
  }
}

const worker = (options: CreateOptions = {}) => unwrap(create<Order>(url, options));

async function destroyed(all: Context<Order>[]): Promise<void> {
  for (const ctx of all) ctx.destroy();
  for (const ctx of all) await ctx.wait();
}

Deno.test("what a thread has sent before Deno.exit() arrives, before its end", async () => {
  const ctx = await worker();
  const ended = ctx.wait();
  await unwrap(ctx.send({ do: "flood and exit" }));
  for (let n = 0; n < 300; n++) {
    const [message] = await inside<[number, string]>().recv();
    assertEquals([message?.value[0], message?.value[1].length], [n, 20_000]);
  }
  assertEquals((await ended)[0]?.reason, "exited");
});

Deno.test(
  "what a process has sent before Deno.exit() arrives, though a message to it breaks the pipe",
  { ignore },
  async () => {
    const quiet = on_error(() => {});
    // Whether the message or what it says is dealt with first, is the runtime's to choose.
    for (let round = 0; round < 3; round++) {
      const ctx = await worker({ isolated: true });
      const pid = unwrap(await ctx.query({ do: "pid" }));
      const ended = ctx.wait();
      await ctx.send({ do: "say and exit" });
      await new Promise((next) => setImmediate(next));
      // In this turn: nothing of what it says is read before the message to it.
      endedInThisTurn(pid as number);
      await ctx.send({ do: "nothing" });
      for (let n = 0; n < 100; n++) assertEquals((await inside().recv())[0]?.value, n);
      assertEquals((await ended)[0]?.reason, "exited");
    }
    quiet();
  },
);

Deno.test(
  "a message to a process that was killed is told as unread, with its end",
  { ignore },
  async () => {
    const said: string[] = [];
    const quiet = on_error((error) => said.push((error as IoError).code));
    const ctx = await worker({ isolated: true });
    const pid = unwrap(await ctx.query({ do: "pid" })) as number;
    Deno.kill(pid, "SIGKILL");
    endedInThisTurn(pid);
    const sent = ctx.send({ do: "nothing" });
    const asked = ctx.query({ do: "nothing" });
    assertEquals([(await sent)[1], (await asked)[1]?.reason], [null, "killed"]);
    const [end] = await ctx.wait();
    assertEquals([end?.reason, end?.unread, said], ["killed", 1, ["gone"]]);
    quiet();
  },
);

Deno.test("what a process has said arrives before its end, also if we hear that in a long turn", async () => {
  const told: string[] = [];
  const disconnect = () => {
    child.connected = false;
    child.emit("disconnect");
  };
  // As the runtime has it: the end of a pipe that was broken is told only if we ask for it.
  const child = Object.assign(new EventEmitter(), { pid: 1, connected: true, disconnect });
  child.on("message", (word: string) => told.push(word));
  const over = lastWords(child as unknown as ChildProcess).then(() => told.push("its end"));
  child.emit("exit", 0, null);
  // It lies there, to be read in the next turn.
  setImmediate(() => child.emit("message", "its last words"));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * LAST_WORDS);
  await over;
  assertEquals(told, ["its last words", "its end"]);
});

Deno.test("the end of a thread is told when no batch of it has come for some turns", async () => {
  const turn = () => new Promise((next) => setImmediate(next));
  let batches = 0;
  let over = false;
  drained(() => batches, () => over = true);
  while (batches < 3) {
    batches++;
    // The first of these turns finds it, and one more would do.
    for (let n = 0; n < QUIET; n++) await turn();
    assertEquals(over, false);
  }
  await turn();
  assertEquals(over, true);
});

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";
  Deno.test(`who reaches for one that had ended before ${where} began, is told there`, async () => {
    const dead = await worker();
    dead.destroy("on request");
    await dead.wait();
    const asking = await worker({ isolated });
    const waited = asking.query({ do: "wait for", value: dead.id });
    assertEquals(await within(waited, "the end"), ["on request", null]);
    // Where there is one processor, they would share a thread, which remembers.
    await destroyed([asking]);
    const writing = await worker({ isolated });
    const reached = within(writing.query({ do: "reach", value: dead.id }), "all ends");
    assertEquals(await reached, [[true, "destroyed", "on request", ["gone"]], null]);
    await destroyed([writing]);
  });
}

Deno.test("a message of a context that has ended since can be taken", async () => {
  const ctx = await worker();
  await ctx.send({ do: "parent" });
  await ctx.send({ do: "return" });
  await ctx.wait();
  assertEquals((await inside().recv())[0]?.value, "your child");
});

Deno.test("wait() for a context that never was answers, as often as it is asked", async () => {
  const nobody = inside().handle(1_000_000);
  const ends = await Promise.all([nobody.wait(), nobody.wait()]);
  const ending = { reason: "returned" as const, message: "long ago, or never was" };
  assertEquals(ends, [[ending, null], [ending, null]]);
});

Deno.test("contexts of one thread end one after the other, and a message in between is told as unread", async () => {
  // One more than there may be threads: so two share one.
  const all = await Promise.all(Array.from({ length: availableParallelism() + 1 }, () => worker()));
  const [first, other] = [all[0]!, all.at(-1)!];
  const said: string[] = [];
  const quiet = on_error((error) => {
    // Whoever hears of the first end finds the second context still there, for this moment.
    if (said.push((error as Error).message) === 1) other.send({ do: "never" });
  });
  await unwrap(first.send({ do: "exit" }));
  await unwrap(first.send({ do: "unread" }));
  const ends = await Promise.all([first.wait(), other.wait()]);
  assertEquals(ends.map(([end]) => [end?.reason, end?.unread]), [["exited", 1], ["exited", 1]]);
  assertEquals(said.map((words) => words.split(":")[0]), [
    `Context ${first.id} has ended (exited)`,
    `Context ${other.id} has ended (exited)`,
  ]);
  quiet();
  await destroyed(all.slice(1, -1));
});

Deno.test("a thread that fails past its contexts, or holds too much memory, ends them", async () => {
  const failed = await worker();
  await failed.send({ do: "fail past all" });
  // Whether it could still tell that it has read the message is open.
  const [end] = await failed.wait();
  assertEquals([end?.reason, end?.message], ["threw", "Error: past all"]);
  // Where memory gets short, it is silent for long.
  stuck_after(60_000);
  const full = await worker();
  await full.send({ do: "hold ever more" });
  assertEquals((await full.wait())[0]?.reason, "killed");
  stuck_after(2_000);
});

Deno.test("code that outlives its context still gets its answers", async () => {
  const all = await Promise.all(Array.from({ length: availableParallelism() + 1 }, () => worker()));
  // It shares its thread with the first, which keeps that alive.
  const last = all.pop()!;
  await last.send({ do: "leave a timer", value: [all[0]!.id, all.at(-1)!.id] });
  assertEquals((await last.wait())[0]?.reason, "returned");
  assertEquals((await inside().recv())[0]?.value, ["in time", "in time"]);
  await destroyed(all);
});

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";
  Deno.test(`what is left uncaught in ${where} is reported, and ends nobody`, async () => {
    const ctx = await worker({ isolated });
    await ctx.send({ do: "leave uncaught" });
    let said: string[] = [];
    while (said.length < 3) said = await unwrap(ctx.query({ do: "counted" })) as string[];
    // Where the context's thread was busy, the timer may come first.
    assertEquals(said.toSorted(), [
      "a callback in a context: of a timer",
      "a promise in a context: This thread was killed: of a kill",
      "a promise in a context: of a promise",
    ]);
    await destroyed([ctx]);
  });
}

Deno.test("a process that loops when it is told to leave ends all the same, as its context did", async () => {
  // Its silence is not what ends it.
  stuck_after(60_000);
  const source = `data:text/javascript,export default () => {
    addEventListener("unload", () => { for (;;); });
  }`;
  const ctx = await unwrap(create(source, { isolated: true }));
  assertEquals((await ctx.wait())[0]?.reason, "returned");
  stuck_after(2_000);
});

Deno.test("a program ends when its main thread and all contexts have", async () => {
  const said = await program("./alive.ts");
  assertEquals(said.trim().split("\n").sort(), ["a process", "a thread", "the main thread"]);
});

Deno.test("a program that exits takes a stuck process along", async () => {
  // It has the same stdout: that is at its end only when both have ended.
  assertEquals(await program("./exits.ts"), "exits\n");
});

Deno.test("processes have time to end when the program does, also where they may not be looked at", () => {
  const { readTextFileSync } = Deno;
  const { wait } = Atomics;
  let time = 0;
  performance.now = () => time;
  Atomics.wait = (_at: unknown, _index: unknown, _value: unknown, pause?: number) => {
    time += pause!;
    return "timed-out";
  };
  /** What is sent to a process of which this is read, and when. */
  const sent = (pid: number, read: () => string) => {
    const signals: [string, number][] = [];
    time = 0;
    const never = Promise.withResolvers<never>().promise;
    const kill = (signal = "SIGKILL") => void signals.push([signal, time]);
    const place = makePlace(1, true, new Link(true, () => {}), new Brood(), never, kill);
    place.pid = pid;
    Deno.readTextFileSync = read;
    endInThisTurn([place]);
    return signals;
  };
  const refused = () => {
    throw new Deno.errors.NotCapable('Requires all access to "/proc/7/stat"');
  };
  try {
    const signals = ["SIGTERM", "SIGTERM", "SIGKILL"];
    const cases: [at: number[], pid: number, read: () => string][] = [
      [[0, 50, 50], 7, refused],
      [[0, 100, 400], 7, () => "7 (a program) S 1 7"],
      [[0, 0, 0], 7, () => "7 (a program) Z 1 7"],
      // One that never began.
      [[0, 0, 0], 0, refused],
    ];
    for (const [at, pid, read] of cases) {
      assertEquals(sent(pid, read), signals.map((name, n) => [name, at[n]]));
    }
  } finally {
    Object.assign(Deno, { readTextFileSync });
    Atomics.wait = wait;
    Reflect.deleteProperty(performance, "now");
  }
});
