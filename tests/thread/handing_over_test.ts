/** What `retry` and `parallel` leave running is the caller's; what has failed leaves nothing. */
import { assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { connect, unwrap } from "../../cosocket/mod.ts";
import { listen } from "../../http/mod.ts";
import { type Child, children, exec } from "../../process/mod.ts";
import {
  IoError,
  kill,
  newthread,
  parallel,
  type Result,
  retry,
  scope,
  sleep,
} from "../../thread/mod.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };

const serve = () => listen("127.0.0.1", 0, () => {});

/** Starts children, and tells how many of them run. */
class Children {
  readonly #pids: number[] = [];

  start(): Child {
    const child = unwrap(exec(["sleep", "60"]));
    this.#pids.push(child.pid);
    return child;
  }

  get running(): number {
    return children().filter(({ pid }) => this.#pids.includes(pid)).length;
  }
}

async function listens(port: number): Promise<boolean> {
  const [sock, err] = await connect("127.0.0.1", port, { pool: "none" });
  sock?.close_immediately();
  return err === null;
}

Deno.test("a server that a try has started belongs to the scope of the caller of retry()", async () => {
  let port = 0;
  await scope(async (s) => {
    const server = unwrap(await retry(serve));
    port = server.port;
    assertEquals([await listens(port), s.size], [true, 2]);
    s.close();
  });
  assertEquals(await listens(port), false);
});

for (const last of ["throws", "gives an error"]) {
  Deno.test(
    `a try that ${last} leaves nothing running, before the next and after the last`,
    LINUX,
    async () => {
      const seen: string[] = [];
      const ours = new Children();
      await scope(async (s) => {
        const [, err] = await retry(async (attempt): Promise<Result<string>> => {
          seen.push(`try ${attempt}, ${ours.running} children`);
          newthread(async () => {
            try {
              await sleep(60_000);
            } finally {
              seen.push("its thread was killed");
            }
          });
          ours.start();
          await unwrap(serve());
          const err = new IoError("eof", "it cannot");
          if (last === "throws") throw err;
          return [null, err];
        }, { attempts: 2, delay: 0 });
        seen.push(`${err?.code}, ${s.size} threads, ${ours.running} children`);
      });
      assertEquals(seen, [
        "try 1, 0 children",
        "its thread was killed",
        "try 2, 0 children",
        "its thread was killed",
        "eof, 1 threads, 0 children",
      ]);
    },
  );
}

Deno.test(
  "children that parallel.map() has started belong to the scope of its caller",
  LINUX,
  async () => {
    const ours = new Children();
    await scope(async (s) => {
      const started = unwrap(await parallel.map([1, 2, 3], () => ours.start(), 2));
      assertEquals([started.length, s.size, ours.running], [3, 4, 3]);
      started[0]!.unref();
      // Ended by the scope, as the others are: it is the last, but for one that is not waited for.
      for (const child of started.slice(1)) await child[Symbol.asyncDispose]();
    });
    assertEquals(ours.running, 0);
  },
);

Deno.test(
  "a child that its try has unref'd is ended by the caller's scope, which does not wait for it",
  LINUX,
  async () => {
    const ours = new Children();
    const [running, err] = await scope(async () => {
      unwrap(await retry(() => ours.start().unref()));
      return ours.running;
    });
    assertEquals([running, err, ours.running], [1, null, 0]);
  },
);

Deno.test("parallel.all() of which one fails leaves nothing running", LINUX, async () => {
  const ours = new Children();
  await scope(async (s) => {
    const [, err] = await parallel.all([
      () => ours.start(),
      serve,
      async () => {
        await sleep(1);
        throw new Error("it cannot");
      },
    ]);
    assertEquals([err?.code, s.size, ours.running], ["failed", 1, 0]);
  });
});

Deno.test("what a try has begun and what comes late of it go on in the caller's scope", async () => {
  const seen: unknown[] = [];
  let late = () => {};
  const outside = await scope(async (s) => {
    await retry(() => {
      newthread(async () => {
        await sleep(1);
        seen.push("begun");
        newthread(() => void seen.push(s.size));
      });
      late = AsyncLocalStorage.bind(() => void newthread(() => sleep(60_000)));
    });
    late();
    assertEquals(s.size, 3);
    await sleep(5);
    assertEquals(seen, ["begun", 4]);
    s.close();
    return "closed";
  });
  assertEquals(outside, ["closed", null]);
});

Deno.test("a thread that a try has killed is waited for by the caller's scope, until it has unwound", async () => {
  const seen: string[] = [];
  await scope(async () => {
    await retry(() => {
      const thread = newthread(async () => {
        try {
          await sleep(60_000);
        } finally {
          await new Promise((resolve) => setTimeout(resolve, 5));
          seen.push("unwound");
        }
      });
      kill(thread);
    });
    seen.push("retry() is over");
  });
  assertEquals(seen, ["retry() is over", "unwound"]);
});
