/**
 * Every call that can wait, ended by kill, signal and timeout: it leaves nothing behind, as
 * the sanitizers see, and what it waited for is as if it had never been.
 */
import { assertEquals } from "@std/assert";
import { availableParallelism } from "node:os";
import {
  claim,
  type Context,
  create,
  type CreateOptions,
  inside,
  open,
  process_child,
  type Result,
  supervise,
  type Supervised,
  thread_child,
  unwrap,
  type WaitOptions,
} from "../../context/mod.ts";
import { exec } from "../../process/mod.ts";
import { type IoError, kill, newthread, queue, wait } from "../../thread/mod.ts";
import { inKilled } from "../kill/killed.ts";
import { program } from "./within.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);
/** A module that never comes to its end. */
const never = new URL(
  "data:text/javascript,setInterval(() => {}, 1e6); await new Promise(() => {})",
);

const worker = (options: CreateOptions = {}) => unwrap(create<Order>(url, options));

/** A call that waits, and how to end what it is called on; that throws if something is left. */
interface Blocking {
  call(options: WaitOptions): Promise<unknown>;
  end(): Promise<unknown>;
}

async function destroyed(...all: Context<Order>[]): Promise<void> {
  for (const ctx of all) ctx.destroy();
  for (const ctx of all) await ctx.wait();
}

/** A context that takes no message, with a full mailbox, until it is woken. */
async function full(call: (ctx: Context<Order>, options: WaitOptions) => Promise<unknown>) {
  const ctx = await worker();
  const bell = new Int32Array(new SharedArrayBuffer(4));
  await unwrap(ctx.send({ do: "deaf", value: bell }, { confirm: true }));
  for (let value = 0; value < 1024; value++) await unwrap(ctx.send({ do: "count", value }));
  return {
    call: (options: WaitOptions) => call(ctx, options),
    async end() {
      const counted = ctx.query({ do: "counted" });
      Atomics.store(bell, 0, 1);
      Atomics.notify(bell, 0);
      assertEquals((await unwrap(counted) as unknown[]).length, 1024);
      await destroyed(ctx);
    },
  };
}

/** The address of a stream whose owner does not answer. */
async function shared(call: (address: string, options: WaitOptions) => Promise<unknown>) {
  const ctx = await worker();
  const address = `shared:${ctx.id}:101:${"0".repeat(32)}`;
  return {
    call: (options: WaitOptions) => call(address, { timeout: 0, ...options }),
    end: () => destroyed(ctx),
  };
}

/** Children that never end by themselves. */
async function tree(call: (tree: Supervised, options: WaitOptions) => Promise<unknown>) {
  const asked = queue<Supervised>();
  const supervisor = await unwrap(supervise([{
    name: "child",
    start: () => thread_child(() => new Promise(() => {})),
    // It takes the whole of its grace, so that a stop really waits.
    stop: (child) => asked.put(child),
  }], { grace: 100 }));
  return {
    call: (options: WaitOptions) => call(supervisor, options),
    end: () => unwrap(supervisor.stop()),
  };
}

const BLOCKING: Record<string, () => Promise<Blocking>> = {
  "create()": async () => {
    // One for each thread there may be: so the new one shares a thread that lives on.
    const keepers = await Promise.all(
      Array.from({ length: availableParallelism() }, () => worker()),
    );
    return {
      call: (options) => create(never, options),
      end: () => destroyed(...keepers),
    };
  },
  "Inside.recv()": () =>
    Promise.resolve({
      call: (options) => inside().recv(options),
      async end() {
        const self = inside<string>();
        await unwrap(self.self.send("kept"));
        assertEquals((await unwrap(self.recv())).value, "kept");
      },
    }),
  "Context.send()": () => full((ctx, options) => ctx.send({ do: "count" }, options)),
  "Context.send() with confirm": () =>
    full((ctx, options) => ctx.send({ do: "count" }, { ...options, confirm: true })),
  "Context.query()": () => full((ctx, options) => ctx.query({ do: "count" }, options)),
  "Context.query() that was taken": async () => {
    const ctx = await worker();
    return {
      call: (options) => ctx.query({ do: "nothing" }, options),
      end: () => destroyed(ctx),
    };
  },
  "Context.wait()": () => full((ctx, options) => ctx.wait(options)),
  "supervise()": () => {
    const ends: Promise<unknown>[] = [];
    const hold = Promise.withResolvers<Result<Supervised>>();
    const first = {
      name: "first",
      async start() {
        const [child, err] = await thread_child(() => new Promise(() => {}));
        ends.push(child!.wait());
        return [child, err] as Result<Supervised>;
      },
    };
    const second = { name: "second", start: () => hold.promise };
    return Promise.resolve({
      call: (options) => supervise([first, second], options),
      async end() {
        assertEquals(ends.length, 4);
        await Promise.all(ends);
        hold.resolve(thread_child(() => {}));
        await new Promise((next) => setTimeout(next, 0));
      },
    });
  },
  "open()": () => shared(open),
  "claim()": () => shared(claim),
  "Supervisor.wait()": () => tree((supervisor, options) => supervisor.wait(options)),
  "thread_child().wait()": async () => {
    const child = await unwrap(thread_child(() => new Promise(() => {})));
    return {
      call: (options) => child.wait(options),
      end: async () => {
        child.destroy();
        await child.wait();
      },
    };
  },
  "process_child().wait()": async () => {
    const child = await unwrap(process_child(exec(["sleep", "1000"])));
    return {
      call: (options) => child.wait(options),
      end: async () => {
        child.destroy();
        await child.wait();
      },
    };
  },
};

for (const [name, make] of Object.entries(BLOCKING)) {
  Deno.test(`${name} leaves nothing behind when it is killed, aborted, late, or made in a killed thread`, async () => {
    const { call, end } = await make();
    // At once, and when it has waited.
    for (const turns of [0, 3]) {
      const thread = newthread(() => call({}));
      for (let turn = 0; turn < turns; turn++) await new Promise((next) => setTimeout(next, 0));
      assertEquals(kill(thread)[1], null);
      assertEquals((await wait(thread))[1]?.code, "killed");
    }
    const aborter = new AbortController();
    const aborted = call({ signal: aborter.signal }) as Promise<[null, IoError]>;
    aborter.abort();
    assertEquals((await aborted)[1].code, "cancelled");
    assertEquals(
      (await call({ signal: AbortSignal.abort() }) as [null, IoError])[1].code,
      "cancelled",
    );
    assertEquals((await call({ timeout: 1 }) as [null, IoError])[1].code, "timeout");
    assertEquals(await inKilled(() => call({})), "killed");
    await end();
  });
}

Deno.test("Supervisor.stop() goes on when who waits for it is killed", async () => {
  const { call, end } = await tree((supervisor, options) =>
    (supervisor as unknown as { stop(options: WaitOptions): Promise<unknown> }).stop(options)
  );
  const thread = newthread(() => call({}));
  kill(thread);
  assertEquals((await call({ timeout: 1 }) as [null, IoError])[1].code, "timeout");
  await end();
});

Deno.test("Supervisor.stop() in a thread that was killed before throws that, and stops", async () => {
  const supervisor = await unwrap(supervise([{
    name: "child",
    start: () => thread_child(() => new Promise(() => {})),
  }]));
  assertEquals(await inKilled(() => supervisor.stop()), "killed");
  assertEquals((await supervisor.wait())[0]?.reason, "destroyed");
});

Deno.test("a program whose creates were all called off comes to its end", async () => {
  assertEquals(await program("./orphans.ts"), "all called off\n");
});
