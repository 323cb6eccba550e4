/** How a wait ends where several things could end it. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { evenKilled, type GivenUp, park } from "../../core/mod.ts";
import { kill, newthread, self, ThreadKilled, wait } from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("evenKilled() hides a kill, and nothing else", async () => {
  await evenKilled(Promise.reject(new ThreadKilled("enough")));
  await evenKilled(Promise.resolve("done"));
  await assertRejects(() => evenKilled(Promise.reject(new RangeError("7"))), RangeError, "7");
});

Deno.test("park() that another wait of a killed thread wakes has been answered", async () => {
  const ends: unknown[] = [];
  const thread = newthread(async () => {
    let wakeOlder = (_: string) => {};
    const older = park<string>(() => "be the older", {}, (wake) => {
      wakeOlder = wake;
      return () => ends.push("the older was withdrawn");
    });
    // The newest of a thread's waits is withdrawn first.
    const newer = park<string>(() => "be the newer", {}, () => () => wakeOlder("woken"));
    ends.push(await older);
    ends.push(await newer.catch((error) => error instanceof ThreadKilled));
  });
  kill(thread);
  await turn();
  assertEquals(ends, ["woken", true]);
});

Deno.test("park() is withdrawn when its thread is killed by what it begins with", async () => {
  const ends: unknown[] = [];
  const thread = newthread(() =>
    park<string>(() => "kill itself", {}, () => {
      kill(self());
      return () => ends.push("withdrawn");
    }).catch((error) => ends.push(error instanceof ThreadKilled))
  );
  await turn();
  assertEquals(ends, ["withdrawn", true]);
  assertEquals(thread.state, "ended");
});

Deno.test("park() whose beginning throws leaves no wait behind", async () => {
  const thread = newthread(async () => {
    const begun = () =>
      park<string>(() => "begin", { timeout: 1_000 }, () => {
        throw new Error("it cannot begin");
      });
    assertThrows(begun, Error, "it cannot begin");
    // Its state tells of the wait that it is in.
    const state = self().state;
    await turn();
    return state;
  });
  assertEquals(await wait(thread), ["running", null]);
});

Deno.test("an aborted signal ends both waits that it was given to, once each", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const ends: string[] = [];
  let wakeOther = (_: string) => {};
  const one = park<string>(() => "be one", { signal }, () => () => wakeOther("woken"));
  const other = park<string>(() => "be the other", { signal }, (wake) => {
    wakeOther = wake;
    return () => ends.push("the other was withdrawn");
  });
  controller.abort();
  const [, err] = await one as GivenUp;
  assertEquals([err.code, await other, ends], ["cancelled", "woken", []]);
});
