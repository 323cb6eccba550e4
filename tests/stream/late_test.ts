/** What comes while a deadline that has passed asks the kernel once more. */
import { assertEquals } from "@std/assert";
import { type Clock, useWheel, Wheel } from "../../core/mod.ts";
import { pair } from "../../stream/mod.ts";

/** A clock under our hands, whose look at the kernel takes until we say so. */
class HandClock implements Clock {
  readonly exact = true;
  time = 0;
  #at = Infinity;
  #fire = () => {};
  #polls: (() => void)[] = [];

  now(): number {
    return this.time;
  }
  arm(at: number, fire: () => void): void {
    this.#at = at;
    this.#fire = fire;
  }
  disarm(): void {
    this.#at = Infinity;
  }
  keep(): void {}
  soon(then: () => void): void {
    then();
  }
  poll(then: () => void): void {
    this.#polls.push(then);
  }
  /** Goes to a time; whoever is due begins to look. */
  goTo(time: number): void {
    this.time = time;
    if (this.#at <= time) this.#fire();
  }
  /** The looks that were begun are done; gives how many. */
  looked(): number {
    const polls = this.#polls.splice(0);
    for (const then of polls) then();
    return polls.length;
  }
}

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("what comes for '*a' while its deadline looks once more gives it the whole time again", async () => {
  const clock = new HandClock();
  const before = useWheel(new Wheel(clock));
  try {
    const [a, b] = pair();
    let code: string | undefined = "waits";
    const all = a.receive("*a", { timeout: 100, encoding: "latin1" })
      .then(([, err]) => code = err?.code);
    clock.goTo(100);
    await b.send("x");
    await turn();
    assertEquals([clock.looked(), code], [1, "waits"]);
    await turn();
    assertEquals(code, "waits");
    clock.goTo(199);
    assertEquals(clock.looked(), 0);
    clock.goTo(200);
    assertEquals(clock.looked(), 1);
    await all;
    assertEquals([code, a.pending], ["timeout", 1]);
    a.close_immediately();
    b.close_immediately();
  } finally {
    useWheel(before);
  }
});

Deno.test("a send whose deadline looks once more takes no harm from a close meanwhile", async () => {
  const clock = new HandClock();
  const before = useWheel(new Wheel(clock));
  try {
    const [a, b] = pair({ capacity: 1 });
    const sent = a.send("too much", { timeout: 100 });
    await turn();
    clock.goTo(100);
    a.close_immediately();
    assertEquals(clock.looked(), 1);
    assertEquals((await sent)[1]?.code, "closed");
    b.close_immediately();
  } finally {
    useWheel(before);
  }
});
