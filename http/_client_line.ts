import { IoError, type Result, type WaitOptions } from "../core/mod.ts";
import { type Permit, type Semaphore, semaphore } from "../thread/mod.ts";

/** The requests of one host: those under way, and those that wait, in the order they came. */
interface Line {
  places: Semaphore;
  most: number;
  /** Who holds a place or waits for one: at 0 the line is forgotten. */
  users: number;
}

/** A place in a host's line, until it is given back. */
export class Place {
  #leave: (() => void) | null;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  /** Gives it to the request that has waited longest. Once; later calls do nothing. */
  leave(): void {
    const leave = this.#leave;
    this.#leave = null;
    leave?.();
  }
}

/** At most so many requests a host at a time; the next ones wait, first come, first served. */
export class Lines {
  readonly #lines = new Map<string, Line>();
  /** The line that was forgotten last: who asks one thing after another needs it again. */
  #spare: { host: string; line: Line } | null = null;
  readonly #backlog: number;

  /** `backlog`: so many may wait for one host. */
  constructor(backlog: number) {
    this.#backlog = backlog;
  }

  /** How many hosts somebody asks. */
  get size(): number {
    return this.#lines.size;
  }

  /** The requests that hold a place, and those that wait for one. */
  count(): { busy: number; waiting: number } {
    let busy = 0;
    let waiting = 0;
    for (const { places, users } of this.#lines.values()) {
      const inLine = Math.max(-places.count, 0);
      waiting += inLine;
      busy += users - inLine;
    }
    return { busy, waiting };
  }

  /** Gives a place where one is free and nobody waits for it; else `null`. */
  tryEnter(host: string, most: number): Place | null {
    const line = this.#line(host, most);
    const [permit] = line.places.try_acquire();
    if (permit === null) return null;
    line.users += 1;
    return new Place(() => this.#back(host, line, permit));
  }

  /** Waits for a place in a host's line, which has `most` of them. */
  async enter(host: string, most: number, wait: WaitOptions): Promise<Result<Place>> {
    const line = this.#line(host, most);
    if (line.places.count <= -this.#backlog) {
      const words = `Cannot wait for ${host}: ${this.#backlog} requests wait already`;
      return [null, new IoError("exhausted", words)];
    }
    line.users += 1;
    let permit: Permit | null = null;
    try {
      const [got, err] = await line.places.acquire(wait);
      if (err !== null) return [null, err];
      permit = got;
    } finally {
      // Also for a thread that was killed in line.
      if (permit === null) this.#forget(host, line);
    }
    return [new Place(() => this.#back(host, line, permit)), null];
  }

  #line(host: string, most: number): Line {
    let line = this.#lines.get(host);
    if (line === undefined) {
      const spare = this.#spare;
      line = spare?.host === host && spare.line.most === most
        ? spare.line
        : { places: semaphore(most, { name: host }), most, users: 0 };
      this.#lines.set(host, line);
    } else if (most > line.most) {
      // The largest number ever asked for holds.
      line.places.post(most - line.most);
      line.most = most;
    }
    return line;
  }

  #back(host: string, line: Line, permit: Permit): void {
    permit.release();
    this.#forget(host, line);
  }

  #forget(host: string, line: Line): void {
    line.users -= 1;
    if (line.users > 0) return;
    this.#lines.delete(host);
    if (this.#spare?.line !== line) this.#spare = { host, line };
  }
}
