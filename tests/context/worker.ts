import { getHeapStatistics } from "node:v8";
import {
  abandoned,
  type Inside,
  inside as mainInside,
  type IoError,
  share,
  stuck_after,
} from "../../context/mod.ts";
import { pair } from "../../stream/mod.ts";
import { kill, newthread, on_error, sleep, wait } from "../../thread/mod.ts";

/** What the tests ask of it. */
export type Order = { do: string; value?: unknown };

/** Serves until told to end; each order is a way to live or to die. */
export default async function serve(inside: Inside<Order, unknown>): Promise<void> {
  if (inside.args[0] === "throw") throw new Error("at once");
  if (inside.args[0] === "return") return;
  const counted: unknown[] = [];
  for (;;) {
    const [message, err] = await inside.recv();
    if (err) return;
    const { do: what, value } = message.value;
    if (what === "echo") inside.reply(message, value);
    if (what === "tell") await message.from.send(value);
    if (what === "parent") await inside.parent.send("your child");
    if (what === "args") inside.reply(message, [inside.name, inside.args]);
    if (what === "add") Atomics.add(value as Int32Array, 0, 1);
    if (what === "deaf") await Atomics.waitAsync(value as Int32Array, 0, 0).value;
    if (what === "flood") {
      const [to, count, confirm = false] = value as [number, number, boolean?];
      const target = inside.handle<Order>(to);
      const sent = Array.from(
        { length: count },
        (_, n) => target.send({ do: "count", value: n }, { confirm }),
      );
      inside.reply(message, (await Promise.all(sent)).filter(([ok]) => ok).length);
    }
    if (what === "forward") {
      const [to, order] = value as [number, unknown];
      const target = inside.handle<Order>(to);
      const heard: unknown[] = [];
      const stop = on_error((error) => heard.push((error as IoError).code));
      // More than a mailbox has room for: what is refused takes none.
      for (let n = 0; n < 1100; n++) await target.send({ do: "count", value: order });
      const answers = [
        await target.send({ do: "count", value: order }, { confirm: true }),
        await target.query({ do: "count", value: order }),
      ];
      stop();
      const told = answers.map(([ok, err]) => err === null ? ok : [err.code, wordsOf(err)]);
      inside.reply(message, [new Set(heard), heard.length, ...told]);
    }
    if (what === "count") counted.push(value);
    if (what === "counted") inside.reply(message, counted);
    if (what === "exit") Deno.exit(3);
    if (what === "pid") inside.reply(message, Deno.pid);
    if (what === "say and exit") {
      for (let n = 0; n < 100; n++) await inside.parent.send(n);
      Deno.exit(3);
    }
    if (what === "reach") {
      const other = inside.handle(value as number);
      const heard: unknown[] = [];
      const stop = on_error((error) => heard.push((error as IoError).code));
      const [sent, asked] = await Promise.all([other.send("nothing"), other.query("nothing")]);
      const [ending] = await other.wait();
      stop();
      inside.reply(message, [sent[0], asked[1]?.reason, ending?.message, heard]);
    }
    if (what === "wait for") {
      inside.reply(message, (await inside.handle(value as number).wait())[0]?.message);
    }
    if (what === "fail past all") {
      addEventListener("error", () => {
        throw new Error("past all");
      });
      reportError(new Error("in time"));
    }
    if (what === "hold ever more") {
      const held: unknown[] = [];
      setInterval(() => {
        for (let n = 0; n < 50; n++) held.push(new Array(100_000).fill(n + 0.5));
      }, 0);
    }
    if (what === "main thread only") {
      const calls = [() => mainInside(), () => stuck_after(500), () => abandoned(), shareAlone];
      inside.reply(message, calls.map(wordsThrown));
    }
    if (what === "kill") Deno.kill(Deno.pid, "SIGKILL");
    if (what === "throw") throw new Error("thrown on request");
    if (what === "return") return;
    if (what === "reply twice") {
      const replies = ["first", "second"].map((value) => inside.reply(message, value));
      await message.from.send(replies.map(([ok, err]) => ok ?? err.code));
    }
    if (what === "heap limit") inside.reply(message, getHeapStatistics().heap_size_limit);
    if (what === "environment") inside.reply(message, environment());
    if (what === "create in vain") {
      const [module, isolated] = value as [string, boolean];
      const [, err] = await inside.create(module, { isolated, timeout: 50 });
      inside.reply(message, err?.code);
    }
    if (what === "create and end") {
      const [module, isolated] = value as [string, boolean];
      inside.create(module, { isolated });
      inside.self.destroy();
    }
    if (what === "flood and exit") {
      for (let n = 0; n < 300; n++) await inside.parent.send([n, "x".repeat(20_000)]);
      Deno.exit(3);
    }
    if (what === "leave a timer") {
      setTimeout(async () => {
        const order = { do: "echo", value: "in time" };
        const asked = (value as number[]).map((id) => inside.handle<Order>(id).query(order));
        await inside.parent.send((await Promise.all(asked)).map(([answer]) => answer));
      }, 0);
      return;
    }
    if (what === "leave uncaught") {
      on_error((error, about) => counted.push(`${about}: ${(error as Error).message}`));
      setTimeout(() => {
        throw new Error("of a timer");
      }, 0);
      Promise.reject(new Error("of a promise"));
      let theirs: Promise<unknown> | null = null;
      const sleeper = newthread(() => theirs = sleep(60_000));
      (async () => void await theirs)();
      kill(sleeper, "of a kill");
    }
    if (what === "create and exit") {
      const [module, isolated] = value as [string, boolean];
      inside.create(module, { isolated });
      Deno.exit(0);
    }
    if (what === "create late") {
      const [module, bell] = value as [string, Int32Array];
      const thread = newthread(() => inside.create(module, { isolated: true }));
      await new Promise((next) => setTimeout(next, 0));
      // When it is up, that is on its way here, and not heard yet.
      Atomics.wait(bell, 0, 0);
      kill(thread);
    }
    if (what === "create at odds") {
      for (const turns of [0, 1, 2, 3, 4, 6, 8, 12, 16, 24]) {
        const thread = newthread(() => inside.create(value as string));
        for (let turn = 0; turn < turns; turn++) await new Promise((next) => setTimeout(next, 0));
        kill(thread);
        (await wait(thread))[0]?.destroy();
      }
      return;
    }
    if (what === "destroy") inside.self.destroy("by itself");
    if (what === "oom") {
      const held: unknown[] = [];
      for (;;) held.push(new Array(100_000).fill(what));
    }
    if (what === "spin soon") {
      await inside.parent.send("soon");
      setTimeout(() => {
        for (;;);
      }, 0);
    }
    if (what === "spin") { for (;;); }
    if (what === "permission") {
      inside.reply(message, (await Deno.permissions.query({ name: "net" })).state);
    }
  }
}

function shareAlone(): void {
  const [stream] = pair();
  try {
    share(stream);
  } finally {
    stream.close_immediately();
  }
}

function wordsThrown(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return String(error);
  }
}

function wordsOf({ message }: IoError): string {
  return message.replace(/^[^:]*: /, "");
}

function environment(): string[] {
  return ["FIRST", "SECOND"].filter((name) => Deno.env.get(name) !== undefined);
}
