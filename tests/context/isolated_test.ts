/** What only a context in a process of its own has: limits of its own, and less permission. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { type Context, create, type CreateOptions, stuck_after } from "../../context/mod.ts";
import { assertNeeds, assertRuns, type Program } from "../permissions.ts";
import { configArgs } from "../../tools/config.ts";
import { isGone } from "../process/programs.ts";
import { within } from "./within.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);
const config = await configArgs();
const MIB = 2 ** 20;

async function worker(options: CreateOptions = {}): Promise<Context<Order>> {
  const [ctx, err] = await create<Order>(url, { isolated: true, ...options });
  if (err) throw err;
  return ctx;
}

Deno.test("an isolated context has the permissions that are named and no others", async () => {
  const bare = await worker();
  const net = await worker({ permissions: ["--allow-net"] });
  assertEquals(await bare.query({ do: "permission" }), ["prompt", null]);
  assertEquals(await net.query({ do: "permission" }), ["granted", null]);
  bare.destroy();
  net.destroy();
  const all = await worker({ permissions: ["-A"] });
  assertEquals(await all.query({ do: "permission" }), ["granted", null]);
  all.destroy();
  await Promise.all([bare.wait(), net.wait(), all.wait()]);
});

Deno.test("create() with memory gives that limit to the process", async () => {
  const small = await worker({ memory: 48 * MIB });
  const large = await worker({ memory: 480 * MIB });
  const [[few], [many]] = await Promise.all([
    small.query({ do: "heap limit" }),
    large.query({ do: "heap limit" }),
  ]);
  // The young generation comes on top of it.
  assertEquals([few as number < 200 * MIB, many as number > 400 * MIB], [true, true]);
  small.destroy();
  large.destroy();
  await Promise.all([small.wait(), large.wait()]);
});

Deno.test("create() throws for options that a thread has not, and for too little memory", () => {
  assertThrows(() => create(url, { memory: 64 * MIB }), TypeError, "memory needs isolated");
  assertThrows(() => create(url, { permissions: [] }), TypeError, "permissions need isolated");
  for (const memory of [0, 1.5, 15 * MIB, NaN, Infinity]) {
    assertThrows(() => create(url, { isolated: true, memory }), RangeError, "memory must be");
  }
  const args = [new SharedArrayBuffer(4)];
  assertThrows(() => create(url, { isolated: true, args }), TypeError, "got a SharedArrayBuffer");
  const permissions = ["--v8-flags=--expose-gc"];
  assertThrows(() => create(url, { isolated: true, permissions }), TypeError, "must be flags");
});

const flags = ["--allow-run=deno", "--allow-env=NODE_V8_COVERAGE,FIRST"];
const program: Program = {
  file: "tests/context/modest.ts",
  flags,
  args: [],
  prints: "FIRST\nall done",
};

Deno.test(`create() with isolated needs ${flags.join(" ")} and nothing else`, async () => {
  const [run, env] = flags as [string, string];
  for (const name of ["FIRST", "SECOND"]) Deno.env.set(name, "is set");
  try {
    await assertRuns(["run", ...config, "--no-prompt", ...flags, program.file], program);
    await assertNeeds(run, program, config);
    await assertNeeds(env, program, config);
  } finally {
    for (const name of ["FIRST", "SECOND"]) Deno.env.delete(name);
  }
});

Deno.test("create() with isolated is unsupported in a compiled program", async () => {
  const build = Object.getOwnPropertyDescriptor(Deno, "build")!;
  Object.defineProperty(Deno, "build", { ...build, value: { ...Deno.build, standalone: true } });
  try {
    const [, err] = await create(url, { isolated: true });
    assertEquals(err?.code, "unsupported");
    assertMatch(err!.message, /a compiled program has no runtime to start/);
  } finally {
    Object.defineProperty(Deno, "build", build);
  }
});

Deno.test("stuck_after() holds for contexts that run already, and for no slow module", async () => {
  stuck_after(60_000);
  const ctx = await worker();
  stuck_after(2_000);
  // A module that takes its time is not stuck: its thread answers meanwhile.
  const slow = "data:text/javascript,await new Promise((done) => setTimeout(done, 2_600));" +
    "export default () => {};";
  const loop = "data:text/javascript,for (;;);";
  const options = { isolated: true };
  const all = [ctx.query({ do: "spin" }), create(slow, options), create(loop, options)] as const;
  const [[, err], [late], [, refused]] = await within(Promise.all(all), "all three");
  assertEquals([err?.code, err?.reason], ["gone", "destroyed"]);
  assertEquals((await late?.wait())?.[0]?.reason, "returned");
  assertEquals(refused?.code, "failed");
  assertMatch(refused!.message, /its process gave no sign of life for 2000 ms/);
  assertThrows(() => stuck_after(99), RangeError, "stuck_after wants 100");
  assertThrows(() => stuck_after(Infinity), RangeError, "stuck_after wants");
});

Deno.test(
  "a process that no signal ends is given up, and its end is told",
  { ignore: Deno.build.os !== "linux" },
  async () => {
    const ctx = await worker();
    const [pid] = await ctx.query({ do: "pid" });
    const { prototype } = ChildProcess;
    const { kill } = prototype;
    const killed: ChildProcess[] = [];
    // It goes on, as one does that waits in the kernel for a disk.
    prototype.kill = function () {
      return killed.push(this) > 0;
    };
    stuck_after(100);
    try {
      const [, err] = await within(ctx.query({ do: "spin" }), "its end");
      assertMatch(err!.message, /its process gave no sign of life for 100 ms/);
      assertEquals([isGone(pid as number), killed.length], [false, 2]);
    } finally {
      stuck_after(2_000);
      prototype.kill = kill;
      Deno.kill(pid as number, "SIGKILL");
      await once(killed[0]!, "disconnect");
    }
  },
);
