import { assert, assertEquals } from "@std/assert";
import { type Clock, Deadline, useWheel, Wheel } from "../../core/mod.ts";
import { random } from "../stream/promise.ts";

/** A clock whose alarm is looked at by hand. */
class HandClock implements Clock {
  time = 0;
  armed: number | null = null;
  alive = false;
  /** What is to be called when what runs at the moment has run. */
  readonly late: (() => void)[] = [];
  #fire: (() => void) | null = null;

  constructor(readonly exact: boolean) {}

  now(): number {
    return this.time;
  }
  arm(at: number, fire: () => void): void {
    this.armed = at;
    this.#fire = fire;
  }
  disarm(): void {
    this.armed = null;
    this.#fire = null;
  }
  keep(alive: boolean): void {
    this.alive = alive;
  }
  soon(then: () => void): void {
    this.late.push(then);
  }
  /** What runs at the moment has run. */
  turn(): void {
    for (const then of this.late.splice(0)) then();
  }
  poll(then: () => void): void {
    then();
  }
  /** Goes to `time`, ringing on the way. */
  goTo(time: number): void {
    while (this.armed !== null && this.armed <= time) {
      this.time = Math.max(this.time, this.armed);
      const fire = this.#fire!;
      this.disarm();
      fire();
    }
    this.time = time;
  }
}

for (const exact of [true, false]) {
  Deno.test(`the wheel agrees with a list that is searched, ${exact ? "exact" : "coarse"}`, () => {
    for (let seed = 1; seed <= 30; seed++) {
      const next = random(seed);
      const clock = new HandClock(exact);
      const before = useWheel(new Wheel(clock));
      try {
        const due = new Map<Deadline, number>();
        const deadlines = Array.from({ length: 200 }, () => {
          const deadline: Deadline = new Deadline(() => {
            const at = due.get(deadline) ?? NaN;
            assert(due.has(deadline), "it fired though nobody waited");
            assert(clock.time >= at, `early: ${clock.time} before ${at}`);
            due.delete(deadline);
          }, next() < 0.5);
          return deadline;
        });
        for (let step = 0; step < 2_000; step++) {
          const deadline = deadlines[Math.floor(next() * deadlines.length)]!;
          const what = next();
          if (what < 0.6) {
            const far = next() < 0.1 ? 100_000 : next() < 0.3 ? 5_000 : 50;
            const at = clock.time + next() * far;
            deadline.set(at);
            due.set(deadline, at);
          } else if (what < 0.7) {
            deadline.clear();
            due.delete(deadline);
          } else if (what < 0.8) {
            deadline.remove();
            due.delete(deadline);
          } else {
            if (next() < 0.5) clock.turn();
            clock.goTo(clock.time + next() * 40);
            // Coarse means late by a grain at most, never lost.
            for (const at of due.values()) assert(at > clock.time - 64, "a deadline was lost");
          }
          const waiting = [...due.keys()].some((one) => one.keepsAlive);
          assertEquals(clock.alive, waiting, "it keeps the program alive for the wrong reason");
          if (due.size > 0) assert(clock.armed !== null, "no alarm is set");
        }
        clock.goTo(clock.time + 200_000);
        assertEquals(due.size, 0);
        for (const deadline of deadlines) deadline.remove();
        clock.turn();
        assertEquals(clock.armed, null, "an alarm was left behind");
      } finally {
        useWheel(before);
      }
    }
  });
}

Deno.test("a deadline that is put off again and again costs no alarm", () => {
  const clock = new HandClock(false);
  const before = useWheel(new Wheel(clock));
  let alarms = 0;
  const { arm } = clock;
  clock.arm = (at, fire) => {
    alarms += 1;
    arm.call(clock, at, fire);
  };
  try {
    const deadline = new Deadline(() => {}, false);
    for (let round = 0; round < 10_000; round++) {
      clock.goTo(round * 2);
      deadline.set(clock.time + 30_000);
      deadline.clear();
    }
    assert(alarms <= 16, `${alarms} alarms were set`);
    deadline.remove();
    clock.turn();
    assertEquals(clock.armed, null);
  } finally {
    useWheel(before);
  }
});

Deno.test("deadlines that follow each other in a turn share an alarm, which goes with the last", () => {
  const clock = new HandClock(false);
  const before = useWheel(new Wheel(clock));
  const told: string[] = [];
  const { arm, disarm } = clock;
  clock.arm = (at, fire) => {
    told.push(`armed for ${at}`);
    arm.call(clock, at, fire);
  };
  clock.disarm = () => {
    told.push("disarmed");
    disarm.call(clock);
  };
  try {
    for (let n = 0; n < 5; n++) {
      const deadline = new Deadline(() => {}, true);
      deadline.set(100 + n);
      assertEquals(clock.alive, true);
      if (n === 2) clock.turn();
      deadline.remove();
      // No program waits for an alarm that nobody asked for.
      assertEquals(clock.alive, false);
    }
    assertEquals(told, ["armed for 100"]);
    clock.turn();
    assertEquals(told, ["armed for 100", "disarmed"]);
    assertEquals(clock.late.length, 0);
    clock.turn();
    const deadline = new Deadline(() => {}, true);
    deadline.set(200);
    assertEquals(told.slice(2), ["armed for 200"]);
    deadline.remove();
    clock.turn();
  } finally {
    useWheel(before);
  }
});
