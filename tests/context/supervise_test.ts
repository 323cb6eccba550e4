import { assertEquals, assertRejects } from "@std/assert";
import {
  type Context,
  create,
  process_child,
  type Strategy,
  supervise,
  type Supervised,
  type Supervisor,
  thread_child,
  unwrap,
} from "../../context/mod.ts";
import {
  IoError,
  kill,
  newthread,
  on_error,
  type Result,
  scope,
  self,
  sleep,
  type Thread,
} from "../../thread/mod.ts";
import { type Child, exec } from "../../process/mod.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);

/** Starts recorded by name, with a promise for the time when so many have come. */
class Starts {
  readonly names: string[] = [];
  #wanted = 0;
  #reached = Promise.withResolvers<void>();

  spec(name: string) {
    return {
      name,
      start: async (): Promise<Result<Supervised>> => {
        const started = await create<Order>(url, { name });
        this.names.push(name);
        if (this.names.length === this.#wanted) this.#reached.resolve();
        return started;
      },
    };
  }

  count(wanted: number): Promise<void> {
    this.#wanted = wanted;
    this.#reached = Promise.withResolvers();
    return this.#reached.promise;
  }
}

for (
  const [strategy, restarted] of [
    ["one_for_one", ["b"]],
    ["rest_for_one", ["b", "c"]],
    ["one_for_all", ["a", "b", "c"]],
  ] as [Strategy["strategy"] & string, string[]][]
) {
  Deno.test(`supervise() with ${strategy} restarts ${restarted}`, async () => {
    const quiet = on_error(() => {});
    const starts = new Starts();
    const specs = ["a", "b", "c"].map((name) => starts.spec(name));
    const [tree, err] = await supervise(specs, { strategy });
    if (err) throw err;
    assertEquals(starts.names, ["a", "b", "c"]);
    const all = starts.count(3 + restarted.length);
    await (tree.child("b") as Context<Order>).send({ do: "throw" });
    await all;
    assertEquals(starts.names.slice(3), restarted);
    await tree.stop();
    assertEquals((await tree.wait())[0]?.reason, "destroyed");
    assertEquals(tree.child("a"), null);
    quiet();
  });
}

Deno.test("supervise() gives up after intensity restarts, and ends its other children", async () => {
  const quiet = on_error(() => {});
  const starts = new Starts();
  let tries = 0;
  const [tree, err] = await supervise([
    starts.spec("steady"),
    { name: "broken", start: () => thread_child(() => Promise.reject(new Error(`${++tries}`))) },
  ], { intensity: 2, period: 600_000, backoff: 1 });
  if (err) throw err;
  assertEquals((await tree.wait())[0]?.reason, "threw");
  assertEquals(tries, 3);
  assertEquals(tree.child("steady"), null);
  quiet();
});

Deno.test("supervise() restarts no temporary child and no transient one that returned", async () => {
  const quiet = on_error(() => {});
  let runs = 0;
  const [tree, err] = await supervise([
    { name: "t", restart: "transient", start: () => thread_child(() => ++runs) },
    { name: "p", restart: "temporary", start: () => process_child(exec(["false"])) },
  ]);
  if (err) throw err;
  assertEquals((await tree.wait())[0]?.reason, "returned");
  assertEquals(runs, 1);
  quiet();
});

Deno.test("a child that ends while others are being started ends no supervisor", async () => {
  const first = Promise.withResolvers<void>();
  let second: Thread | undefined;
  const starting = supervise([
    { name: "short", restart: "temporary", start: () => thread_child(() => first.resolve()) },
    {
      name: "slow",
      restart: "temporary",
      async start() {
        await first.promise;
        for (let n = 0; n < 10; n++) await new Promise((resolve) => setTimeout(resolve, 0));
        return await thread_child(() => {
          second = self();
          return sleep(0);
        });
      },
    },
  ]);
  const [tree, err] = await starting;
  if (err) throw err;
  assertEquals((await tree.wait())[0]?.reason, "returned");
  assertEquals(second?.state, "ended");
  assertEquals(await second!.done, [true, null]);
});

Deno.test("stop() of a supervisor asks the last first, and destroys after the grace", async () => {
  const starts = new Starts();
  const asked: string[] = [];
  const polite = (name: string) => ({
    ...starts.spec(name),
    stop(child: Supervised) {
      asked.push(name);
      return name === "deaf" ? undefined : (child as Context<Order>).send({ do: "return" });
    },
  });
  const [tree, err] = await supervise([polite("a"), polite("deaf")], { grace: 50 });
  if (err) throw err;
  const [a, deaf] = [tree.child("a")!, tree.child("deaf")!];
  await tree.stop();
  assertEquals(asked, ["deaf", "a"]);
  assertEquals((await a.wait())[0]?.reason, "returned");
  assertEquals((await deaf.wait())[0]?.reason, "destroyed");
});

Deno.test("supervise() throws for a strategy that there is not, and for no child", async () => {
  const strategy = "two_for_one" as "one_for_one";
  await assertRejects(() => supervise([], { strategy }), TypeError, "strategy must be");
  await assertRejects(() => supervise([]), RangeError, "at least one child");
});

Deno.test("a supervisor outlives the thread that started it", async () => {
  const quiet = on_error(() => {});
  const starts = new Starts();
  let tree: Supervisor | undefined;
  const starter = newthread(async () => {
    tree = unwrap(await supervise([starts.spec("a")]));
    await new Promise(() => {});
  });
  await starts.count(1);
  // The start has resolved, and then the supervisor is there.
  while (tree === undefined) await new Promise((next) => setTimeout(next, 0));
  kill(starter);
  const again = starts.count(2);
  await (tree.child("a") as Context<Order>).send({ do: "return" });
  await again;
  await tree.stop();
  assertEquals((await tree.wait())[0]?.reason, "destroyed");
  quiet();
});

Deno.test("supervise() throws what a start throws, and stops what it had started", async () => {
  const [first] = await thread_child(() => new Promise(() => {}));
  const bad = () => {
    throw new TypeError("misuse");
  };
  await assertRejects(
    () =>
      supervise([
        { name: "good", start: () => Promise.resolve<Result<Supervised>>([first!, null]) },
        { name: "bad", start: bad },
      ]),
    TypeError,
    "misuse",
  );
  assertEquals((await first!.wait())[0]?.reason, "killed");
});

Deno.test("a start or stop that throws or never resolves holds up no supervisor", async () => {
  const said: string[] = [];
  const quiet = on_error((error, about) => said.push(`${about}: ${(error as Error).message}`));
  let starts = 0;
  const hanging = Promise.withResolvers<void>();
  const restarts = {
    name: "restarts",
    restart: "transient" as const,
    start: () => {
      if (++starts === 2) throw new Error("no start");
      if (starts === 3) {
        hanging.resolve();
        return new Promise<never>(() => {});
      }
      return thread_child(() => Promise.reject(new Error("at once")));
    },
  };
  const rude = {
    name: "rude",
    start: () => thread_child(() => new Promise(() => {})),
    stop() {
      throw new Error("no stop");
    },
  };
  const deaf = { ...rude, name: "deaf", stop: () => new Promise(() => {}) };
  const [tree, err] = await supervise([rude, deaf, restarts], { grace: 20, intensity: 5 });
  if (err) throw err;
  const child = tree.child("deaf")!;
  await hanging.promise;
  {
    await using ending = tree;
    assertEquals(ending.child("restarts"), null);
  }
  assertEquals((await child.wait())[0]?.reason, "killed");
  assertEquals(said.slice(1), [
    "the start of child 'restarts': no start",
    "the stop of child 'rude': no stop",
  ]);
  quiet();
});

Deno.test("a restart that fails is told, and tried again", async () => {
  const said: string[] = [];
  const quiet = on_error((error, about) => said.push(`${about}: ${(error as Error).message}`));
  let starts = 0;
  const up = Promise.withResolvers<void>();
  const start = async (): Promise<Result<Supervised>> => {
    starts += 1;
    if (starts === 1) return await thread_child(() => Promise.reject(new Error("at once")));
    if (starts === 2) return await process_child([null, new IoError("exhausted", "too many")]);
    up.resolve();
    return await thread_child(() => new Promise(() => {}));
  };
  const tree = unwrap(await supervise([{ name: "child", start }]));
  await up.promise;
  await tree.stop();
  assertEquals(said.slice(-1), ["child 'child': too many"]);
  assertEquals(starts, 3);
  quiet();
});

Deno.test("a supervisor that is stopped in its backoff starts nothing any more", async () => {
  const told = Promise.withResolvers<void>();
  const quiet = on_error((_error, about) => about.startsWith("child") && told.resolve());
  let starts = 0;
  const start = () => {
    starts += 1;
    return thread_child(() => Promise.reject(new Error("at once")));
  };
  const tree = unwrap(await supervise([{ name: "child", start }], { backoff: 60_000 }));
  await told.promise;
  await tree.stop();
  assertEquals((await tree.wait())[0]?.reason, "destroyed");
  assertEquals(starts, 1);
  quiet();
});

Deno.test("processes that a supervisor starts belong to it, and to no scope that it was made in", async () => {
  const quiet = on_error(() => {});
  const started: Child[] = [];
  const again = Promise.withResolvers<void>();
  const start = () => {
    const child = unwrap(exec(["sleep", "60"]));
    if (started.push(child) === 3) again.resolve();
    return process_child([child, null]);
  };
  const [result, err] = await scope(async (s) => {
    const [tree, err] = await supervise([{ name: "a", start }, { name: "b", start }]);
    if (err) throw err;
    assertEquals(s.size, 1);
    started[0]!.kill("KILL");
    await again.promise;
    assertEquals(s.size, 1);
    s.close();
    return { tree };
  });
  if (err) throw err;
  assertEquals(started.map(({ status }) => status?.signal), ["SIGKILL", undefined, undefined]);
  await result.tree.stop();
  assertEquals(started.map(({ status }) => status?.signal), ["SIGKILL", "SIGKILL", "SIGKILL"]);
  quiet();
});

Deno.test("process_child() takes what exec gave, and throws for the child itself", async () => {
  const child = unwrap(exec(["sleep", "60"]));
  await assertRejects(
    () => process_child(child as never),
    TypeError,
    "process_child wants what exec or fork gave: got object",
  );
  await child.stop();
});
