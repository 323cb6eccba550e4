import {
  checkTimeout,
  current,
  due,
  dying,
  pend,
  Pending,
  type ReadResult,
  turn,
  type WaitOptions,
  watcher,
} from "../core/mod.ts";

/** Whether a wait must begin, and fail, although it could be answered at once. */
export function hindered(options: WaitOptions): boolean {
  checkTimeout(options.timeout ?? 0);
  if (watcher !== null) watcher.paused();
  return options.signal?.aborted === true || (dying !== 0 && current().killed !== null);
}

/** Where one stands who waits, with what belongs to the wait. */
class Place<T, C> extends Pending<ReadResult<T>> {
  ahead: Place<T, C> | null = null;
  behind: Place<T, C> | null = null;
  /** Whether they stand in it. */
  waits = false;
  cargo: C;
  /** What is on its way to them. */
  handed: ReadResult<T> | null = null;
  readonly #line: Line<T, C>;
  readonly #what: () => string;
  readonly #joined: (() => void) | undefined;

  constructor(line: Line<T, C>, cargo: C, what: () => string, joined: (() => void) | undefined) {
    super();
    this.#line = line;
    this.cargo = cargo;
    this.#what = what;
    this.#joined = joined;
  }

  override describe(): string {
    return this.#what();
  }

  protected override start(): void {
    this.#line.join(this);
    this.#joined?.();
  }

  protected override withdraw(): void {
    this.#line.withdraw(this);
  }

  arrive(): void {
    if (this.handed === null) return;
    this.#line.underway -= 1;
    this.wake(this.handed);
  }
}

let travelling: { arrive(): void }[] = [];

function deliver(): void {
  const due = travelling;
  travelling = [];
  for (const place of due) place.arrive();
}

function send(place: { arrive(): void }): void {
  if (travelling.push(place) > 1) return;
  if (due()) turn().then(deliver);
  else queueMicrotask(deliver);
}

/**
 * Those who wait for the same thing, first come, first served.
 *
 * What is handed to one of them is theirs when they run on. Until then they still wait:
 * who is killed, or gives up, in between gets nothing, and it goes back at once.
 */
export class Line<T, C = undefined> {
  /** How many wait. */
  size = 0;
  /** What was handed over and is still on its way: who comes now must not overtake it. */
  underway = 0;
  #first: Place<T, C> | null = null;
  #last: Place<T, C> | null = null;
  readonly #back: (value: T, cargo: C) => void;

  /** `back` takes what was handed to one who is gone. */
  constructor(back: (value: T, cargo: C) => void) {
    this.#back = back;
  }

  /** What the first in line has brought. */
  get cargo(): C | undefined {
    return this.#first?.cargo;
  }

  /** Waits in line; `joined` is called as soon as one stands there. */
  wait(
    what: () => string,
    options: WaitOptions,
    cargo: C,
    joined?: () => void,
  ): Promise<ReadResult<T>> {
    return pend(new Place<T, C>(this, cargo, what, joined), options);
  }

  /** Hands `value` to the first in line; false if nobody waits. */
  hand(value: T, cargo?: C): boolean {
    const place = this.#shift();
    if (place === null) return false;
    if (cargo !== undefined) place.cargo = cargo;
    place.handed = [value, null];
    this.underway += 1;
    send(place);
    return true;
  }

  /** Wakes the first in line with what needs not come back. */
  tell(result: ReadResult<T>): boolean {
    const place = this.#shift();
    place?.wake(result);
    return place !== null;
  }

  #shift(): Place<T, C> | null {
    const place = this.#first;
    if (place !== null) this.#leave(place);
    return place;
  }

  join(place: Place<T, C>): void {
    place.ahead = this.#last;
    if (this.#last === null) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
    place.waits = true;
    this.size += 1;
  }

  /** Who gives up leaves the line, or gives back what was on its way. */
  withdraw(place: Place<T, C>): void {
    if (place.waits) return this.#leave(place);
    const [value] = place.handed!;
    place.handed = null;
    this.underway -= 1;
    this.#back(value as T, place.cargo);
  }

  #leave(place: Place<T, C>): void {
    if (place.ahead === null) this.#first = place.behind;
    else place.ahead.behind = place.behind;
    if (place.behind === null) this.#last = place.ahead;
    else place.behind.ahead = place.ahead;
    place.ahead = place.behind = null;
    place.waits = false;
    this.size -= 1;
  }
}
