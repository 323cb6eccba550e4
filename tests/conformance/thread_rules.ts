/** The rules of UDP sockets and of light threads. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { udp, unwrap } from "../../cosocket/mod.ts";
import {
  IoError,
  kill,
  newthread,
  on_error,
  semaphore,
  sleep,
  startloop,
  swop,
  type Thread,
  wait,
  wait_any,
} from "../../thread/mod.ts";
import { turn } from "../cosocket/servers.ts";
import type { Rule } from "./rule.ts";

const HOST = "127.0.0.1";

/** Two UDP sockets, each the other's peer. */
async function udpPair() {
  const [a, b] = [udp({ encoding: "latin1" }), udp({ encoding: "latin1" })];
  await unwrap(a.bind(HOST, 0));
  await unwrap(b.bind(HOST, 0));
  await unwrap(a.setpeername(HOST, unwrap(b.localaddr()).port));
  await unwrap(b.setpeername(HOST, unwrap(a.localaddr()).port));
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await a.close();
      await b.close();
    },
  };
}

export const THREAD_RULES: Rule[] = [
  {
    of: "udpsock:setpeername",
    rule: "It sets where datagrams go; before it, sending and receiving fail.",
    verdict: "same",
    here: "`closed` before it, and without `bind`",
    check: async () => {
      await using sock = udp();
      assertEquals((await sock.send("x"))[1]?.code, "closed");
      assertEquals((await sock.receive())[1]?.code, "closed");
    },
  },
  {
    of: "udpsock:send",
    rule: "One call sends one datagram.",
    verdict: "same",
    here: "the same; it gives the count of bytes, theirs 1",
    check: async () => {
      await using pair = await udpPair();
      assertEquals(await pair.a.send(["one", [" whole"]]), [9, null]);
      await pair.a.send("another");
      assertEquals(await pair.b.receive(), ["one whole", null]);
      assertEquals(await pair.b.receive(), ["another", null]);
    },
  },
  {
    of: "udpsock:receive",
    rule: "It takes at most a size, 8192 by default; what is over is lost.",
    verdict: "different",
    here: "a datagram is given whole",
    why: "nothing is lost in silence",
    check: async () => {
      await using pair = await udpPair();
      await pair.a.send("x".repeat(20_000));
      assertEquals((await pair.b.receive())[0]?.length, 20_000);
    },
  },
  {
    of: "udpsock:settimeout",
    rule: "A receive that waits longer gives `timeout`, and the socket stays usable.",
    verdict: "same",
    here: "the same",
    check: async () => {
      await using pair = await udpPair();
      pair.b.settimeout(5);
      assertEquals((await pair.b.receive())[1]?.code, "timeout");
      await pair.a.send("later");
      pair.b.settimeout(0);
      assertEquals(await pair.b.receive(), ["later", null]);
    },
  },
  {
    of: "ngx.thread.spawn",
    rule: "The function runs at once, until it waits, before `spawn` comes back.",
    verdict: "same",
    here: "the same for `newthread`",
    check: async () => {
      const order: string[] = [];
      const thread = newthread(async () => {
        order.push("in the thread");
        await sleep(1);
      });
      order.push("after the start");
      assertEquals(order, ["in the thread", "after the start"]);
      await wait(thread);
    },
  },
  {
    of: "ngx.thread.spawn",
    rule: "It takes arguments for the function, and gives a thread even if it fails at once.",
    verdict: "same",
    here: "the same; `wait` tells the failure",
    check: async () => {
      const thread = newthread(
        (a: number, b: number) => {
          throw new Error(`${a + b}`);
        },
        1,
        2,
      );
      const [, err] = await wait(thread as Thread<unknown>);
      assertEquals([err?.code, (err?.cause as Error).message], ["failed", "3"]);
    },
  },
  {
    of: "ngx.thread.spawn",
    rule: "A thread that fails ends no other thread; the failure is logged.",
    verdict: "same",
    here: "told by `wait`; if nobody waits, once through `thread.on_error`",
    check: async () => {
      const told: string[] = [];
      const restore = on_error((error) => void told.push((error as Error).message));
      try {
        let other = false;
        await startloop(async () => {
          newthread(() => {
            throw new Error("nobody waits");
          });
          await wait(newthread(async () => {
            await turn();
            other = true;
          }));
        });
        assertEquals([other, told], [true, ["nobody waits"]]);
      } finally {
        restore();
      }
    },
  },
  {
    of: "ngx.thread.wait",
    rule: "Of several threads it waits for the first that ends.",
    verdict: "different",
    here: "`wait([a, b])` waits for all, `wait_any` for the first",
    why: "aLiLua's `wait` of a list gives all results",
    check: async () => {
      const slow = newthread(() => sleep(60_000));
      const fast = newthread(() => "fast");
      const [first] = await wait_any([slow, fast]);
      assertEquals([first?.index, first?.result[0]], [1, "fast"]);
      kill(slow);
      const [killed, ended] = await wait([slow, fast]);
      assertEquals([killed?.[1]?.code, ended?.[0]], ["killed", "fast"]);
    },
  },
  {
    of: "ngx.thread.wait",
    rule: "It gives true and what the function returned, or false and its error.",
    verdict: "different",
    here: "a `Result`; one that the function itself returns is not wrapped again",
    why: "one form of results for everything",
    check: async () => {
      assertEquals(await wait(newthread(() => 7)), [7, null]);
      const refused = new IoError("refused", "not today");
      const own: [null, IoError] = [null, refused];
      assertEquals((await wait(newthread(() => own)))[1], refused);
    },
  },
  {
    of: "ngx.thread.wait",
    rule: "Only the parent may wait for a thread.",
    verdict: "different",
    here: "any thread may, and as many as like",
    why: "who needs a result is not always who started the work",
    check: async () => {
      const worker = newthread(async () => (await sleep(1), "done"));
      const waiters = [1, 2].map(() => newthread(() => wait(worker)));
      for (const result of await wait(waiters)) assertEquals(result, ["done", null]);
    },
  },
  {
    of: "ngx.thread.wait",
    rule: "A thread that was waited for already cannot be waited for again.",
    verdict: "different",
    here: "it keeps its result",
    why: "asking twice is no mistake",
    check: async () => {
      const thread = newthread(() => "kept");
      for (let n = 0; n < 3; n++) assertEquals(await wait(thread), ["kept", null]);
    },
  },
  {
    of: "ngx.thread.wait",
    rule: "A thread must not wait for itself.",
    verdict: "same",
    here: "it throws",
    check: async () => {
      let self: Thread<unknown> | null = null;
      const thread: Thread<unknown> = newthread(async () => {
        await turn();
        assertThrows(() => wait(self!), Error);
        return "tried";
      });
      self = thread;
      assertEquals((await wait(thread))[0], "tried");
    },
  },
  {
    of: "ngx.thread.kill",
    rule: "It ends a thread that waits, wherever it waits.",
    verdict: "same",
    here: "what it waits for is withdrawn, and `ThreadKilled` thrown, so that `finally` runs",
    check: async () => {
      let cleaned = false;
      const thread = newthread(async () => {
        try {
          await sleep(60_000);
        } finally {
          cleaned = true;
        }
      });
      assertEquals(kill(thread), [true, null]);
      assertEquals((await wait(thread))[1]?.code, "killed");
      while (!cleaned) await turn();
    },
  },
  {
    of: "ngx.thread.kill",
    rule: "Only the parent may kill a thread.",
    verdict: "different",
    here: "any thread may",
    why: "a supervisor is not always the parent",
    check: async () => {
      const victim = newthread(() => sleep(60_000));
      await wait(newthread(() => kill(victim)));
      assertEquals((await wait(victim))[1]?.code, "killed");
    },
  },
  {
    of: "ngx.thread.kill",
    rule: "Killing a thread that has ended gives `nil` and an error.",
    verdict: "same",
    here: "`gone`",
    check: async () => {
      const thread = newthread(() => "over");
      await wait(thread);
      assertEquals(kill(thread)[1]?.code, "gone");
    },
  },
  {
    of: "light threads",
    rule: "A request ends only when all its threads have.",
    verdict: "same",
    here: "`startloop` and `scope` wait for every thread that was started in them",
    check: async () => {
      let ended = 0;
      await startloop(() => {
        for (let n = 0; n < 3; n++) newthread(() => sleep(1).then(() => ended++));
      });
      assertEquals(ended, 3);
    },
  },
  {
    of: "light threads",
    rule: "They are scheduled in turn, and only where one waits.",
    verdict: "same",
    here: "the same; `swop` yields by itself",
    check: async () => {
      const order: number[] = [];
      const threads = [1, 2].map((n) =>
        newthread(async () => {
          for (let round = 0; round < 3; round++) {
            order.push(n);
            await swop();
          }
        })
      );
      await wait(threads);
      assertEquals(order, [1, 2, 1, 2, 1, 2]);
    },
  },
  {
    of: "cosockets",
    rule: "A socket belongs to the request that made it; others get `bad request`.",
    verdict: "different",
    here: "any thread may use it",
    why: "there is no request to belong to; `busy` guards what matters",
    check: async () => {
      await using pair = await udpPair();
      await wait(newthread(() => pair.a.send("from another thread")));
      const got = await wait(newthread(() => pair.b.receive()));
      assertEquals(got, ["from another thread", null]);
    },
  },
  {
    of: "ngx.semaphore",
    rule: "`wait` gives `timeout` if no resource is posted in time; `post(n)` wakes n.",
    verdict: "same",
    here: "`acquire` and `post`; they wake in their order",
    check: async () => {
      const sem = semaphore(0);
      assertEquals((await sem.acquire({ timeout: 2 }))[1]?.code, "timeout");
      const woken: number[] = [];
      const waiters = [1, 2, 3].map((n) =>
        newthread(async () => {
          await sem.acquire();
          woken.push(n);
        })
      );
      sem.post(2);
      await wait([waiters[0]!, waiters[1]!]);
      assertEquals(woken, [1, 2]);
      sem.post();
      await wait(waiters);
      assert(woken.length === 3);
    },
  },
];
