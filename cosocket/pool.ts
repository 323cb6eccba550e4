import {
  afterTurn,
  IoError,
  Link,
  now,
  park,
  poll,
  type Result,
  type WaitOptions,
  wheel,
} from "../core/mod.ts";
import type { Channel } from "../stream/mod.ts";
import { Term } from "./_dial.ts";
import type { Transport } from "./_transport.ts";
import type { PoolStats } from "./types.ts";

/** An idle socket is closed after so many milliseconds, unless told otherwise. */
export const IDLE_LIFE = 60_000;

/** A peer that was last known to be there longer ago than this is asked after first. */
const TRUSTED = 10;

/** A connection that a pool counts, from the moment it may be opened to its close. */
export interface Member {
  pool: Pool;
  channel: Channel;
  transport: Transport;
  /** How often it came out of the pool. */
  reused: number;
  /** It rests in its pool. */
  resting: boolean;
  /** How many of its returns are so fresh that what is known of its end may not be told yet. */
  fresh: number;
  /** Closes it when it has rested too long. */
  term: Term | null;
  /** Closes it when something comes while it rests. */
  watcher: ((news: string) => void) | null;
}

/** What a connect gets of the pool: a socket at rest, or leave to open one. */
export interface Grant {
  pool: Pool;
  /** `null`: open one yourself. */
  member: Member | null;
}

/** One who waits for a grant. */
class Waiter extends Link {
  constructor(readonly take: (grant: Grant) => void) {
    super();
  }
}

/** Whether its peer may have ended with the event loop none the wiser, held up as it was. */
function doubtful(member: Member): boolean {
  const known = Math.max(member.channel.incoming.heardSince, wheel.polledAt);
  return now() - known > TRUSTED;
}

/**
 * A peer may end with its last answer, so that the end is known when the socket is put
 * back: the read that watches it is answered at once, which takes two microtasks.
 */
async function tellEnd(member: Member): Promise<void> {
  member.fresh += 1;
  await null;
  await null;
  await null;
  member.fresh -= 1;
}

/** Those who wait for the poll that is under way, and when it began. */
let polling: { since: number; waiting: (() => void)[] } | null = null;

/** Asks the kernel for news, once for all who ask at about the same time. */
function freshen(then: () => void): void {
  const time = now();
  if (polling !== null && time >= polling.since && time - polling.since <= TRUSTED) {
    polling.waiting.push(then);
    return;
  }
  const own = polling = { since: time, waiting: [then] };
  poll(() => {
    if (polling === own) polling = null;
    for (const wake of own.waiting) wake();
  });
}

const pools = new Map<string, Pool>();

/** The pool of a key; made when it is first asked for, forgotten when it is empty. */
export function poolOf(key: string): Pool {
  let pool = pools.get(key);
  if (pool === undefined) {
    pool = new Pool(key);
    pools.set(key, pool);
  }
  return pool;
}

/** Kept when what it would give has been asked whether it has ended; `null` if it has. */
export function settled(key: string): Promise<void> | null {
  return pools.get(key)?.settled ?? null;
}

/**
 * What is there without a wait: a socket at rest, or leave to open one, which is the pool
 * and must be given back. Else `null`: it takes a wait, or news from the kernel first.
 */
export function ask(key: string, size: number | undefined): Member | Pool | null {
  const pool = poolOf(key);
  if (pool.stale) return null;
  if (size !== undefined) pool.resize(size);
  return pool.take() ?? (pool.admit() ? pool : null);
}

/**
 * Waits for a socket at rest, or for leave to open one, which must be given back.
 * `size`, where it is given, is the pool's from now on.
 */
export async function acquire(
  key: string,
  size: number | undefined,
  backlog: number,
  wait: WaitOptions,
): Promise<Result<Grant>> {
  if (pools.get(key)?.stale === true) {
    // The loop may have been held up since the peer died: hear the news first.
    const [, err] = await park<Result<true>>(() => `connect ${key}`, wait, (wake) => {
      freshen(() => wake([true, null]));
      return () => {};
    });
    if (err !== null) return [null, err];
  }
  const pool = poolOf(key);
  if (size !== undefined) pool.resize(size);
  return pool.grant(backlog, wait);
}

/**
 * The sockets of one key.
 *
 * How it works. `open` counts every socket that was granted and has not been closed:
 * being connected, in use, or at rest. While `open` has reached `size`, who asks waits
 * in line. A socket that is put back goes straight to the first in line; one that is
 * closed, or was never connected, passes its place on.
 *
 * Whatever rests is watched: a read is kept under way, so that an end or a stray byte
 * evicts it as soon as the event loop hears of it.
 */
export class Pool {
  readonly key: string;
  /** The most sockets open at a time. */
  size = Infinity;
  #open = 0;
  /** The least recently used first. */
  readonly #idle: Member[] = [];
  /** Heads the line of those who wait, the first come first. */
  readonly #line = new Link();
  #waiting = 0;

  constructor(key: string) {
    this.key = key;
  }

  get stats(): PoolStats {
    return {
      key: this.key,
      pool_size: this.size,
      idle: this.#idle.length,
      open: this.#open,
      waiting: this.#waiting,
    };
  }

  /** Whether what it would give may have died unheard. */
  get stale(): boolean {
    const next = this.#idle.at(-1);
    return next !== undefined && doubtful(next);
  }

  /** Kept when what it would give was not put back just now. */
  get settled(): Promise<void> | null {
    const next = this.#idle.at(-1);
    return next === undefined || next.fresh === 0 ? null : this.#settle(next);
  }

  async #settle(member: Member): Promise<void> {
    while (member.fresh > 0) await null;
  }

  /** Sets how many may be open; who waits for a place that is there now gets it. */
  resize(size: number): void {
    this.size = size;
    while (this.#open < size && this.#waiting > 0) {
      this.#open += 1;
      this.#next({ pool: this, member: null });
    }
  }

  /** Gives the first in line what it waits for. */
  #next(grant: Grant): void {
    const waiter = this.#line.after as Waiter;
    this.#quit(waiter);
    waiter.take(grant);
  }

  #quit(waiter: Waiter): void {
    waiter.unlink();
    this.#waiting -= 1;
  }

  /** A socket at rest, unless others wait for one. */
  take(): Member | null {
    const member = this.#waiting === 0 ? this.#idle.pop() : undefined;
    return member === undefined ? null : this.#wake(member);
  }

  /** Gives leave to open one, where nobody waits and there is room. */
  admit(): boolean {
    if (this.#waiting > 0 || this.#open >= this.size) return false;
    this.#open += 1;
    return true;
  }

  /** Gives a socket at rest or leave to open one; who must wait stands in line. */
  grant(backlog: number, wait: WaitOptions): Promise<Result<Grant>> {
    const member = this.take();
    if (member !== null) return Promise.resolve([{ pool: this, member }, null]);
    if (this.admit()) return Promise.resolve([{ pool: this, member: null }, null]);
    if (this.#waiting >= backlog) {
      const words = `Cannot connect ${this.key}: ${this.#waiting} already wait for ` +
        `one of ${this.size} sockets`;
      return afterTurn<Result<Grant>>([null, new IoError("exhausted", words)]);
    }
    const what = () => `wait for the pool ${this.key}`;
    return park<Result<Grant>>(what, wait, (wake) => {
      const waiter = new Waiter((grant) => wake([grant, null]));
      this.#line.append(waiter);
      this.#waiting += 1;
      return () => {
        this.#quit(waiter);
        this.#forgetIfEmpty();
      };
    });
  }

  /** A socket has been opened with our leave: its close gives the place back. */
  opened(channel: Channel, transport: Transport, term: Term | null = null): Member {
    const member: Member = {
      pool: this,
      channel,
      transport,
      reused: 0,
      resting: false,
      fresh: 0,
      term,
      watcher: null,
    };
    channel.on_release = () => member.pool.#closed(member);
    return member;
  }

  /** A socket of ours has one above it now (TLS): that one counts in its stead. */
  raise(member: Member, channel: Channel, transport: Transport): void {
    member.channel.on_release = null;
    member.channel = channel;
    member.transport = transport;
    channel.on_release = () => member.pool.#closed(member);
  }

  /** Gives a leave back that led to no socket, or that of `member`, which is ours no more. */
  leave(_member?: Member): void {
    if (this.#waiting > 0 && this.#open <= this.size) {
      return this.#next({ pool: this, member: null });
    }
    this.#open -= 1;
    this.#forgetIfEmpty();
  }

  #closed(member: Member): void {
    this.#forget(member);
    this.leave(member);
  }

  /** From now on nobody can be given it. */
  #forget(member: Member): void {
    if (member.resting) this.#idle.splice(this.#idle.indexOf(member), 1);
    member.resting = false;
    member.term?.remove();
  }

  /**
   * Puts a socket to rest, or hands it to the first in line. Of more than `keep` at
   * rest, the least recently used is closed.
   */
  put(member: Member, keep: number, idle: number): void {
    const doubted = doubtful(member);
    this.#rest(member, idle);
    if (this.#waiting === 0) return this.#trim(keep);
    // It is watched now, so that it shows whether it may be handed on.
    const hand = () => {
      while (this.#waiting > 0 && this.#idle.length > 0) {
        this.#next({ pool: this, member: this.#wake(this.#idle.pop()!) });
      }
      this.#trim(keep);
    };
    if (doubted) freshen(hand);
    else this.#settle(member).then(hand);
  }

  #rest(member: Member, idle: number): void {
    const { channel, transport } = member;
    if (idle > 0 && idle !== Infinity) {
      const term = member.term ??= new Term();
      term.due ??= () => member.pool.#evict(member, "it has rested too long");
      term.set(now() + idle);
    }
    this.#idle.push(member);
    member.resting = true;
    channel.trace?.("pool put");
    channel.incoming.watch(
      member.watcher ??= (news) => {
        // Its place is free when the system has closed it, but it is nobody's from now on.
        member.pool.#forget(member);
        member.channel.trace?.(`pool evict: ${news}`);
        member.channel.close_immediately();
      },
    );
    transport.ref(false);
    tellEnd(member);
  }

  #trim(keep: number): void {
    while (this.#idle.length > keep) this.#evict(this.#idle[0]!, "others were used later");
  }

  /** Takes a socket over from another pool, if there is room for it. */
  adopt(member: Member): boolean {
    if (member.pool === this) return true;
    if (this.#open >= this.size) return false;
    this.#open += 1;
    member.pool.leave(member);
    member.pool = this;
    return true;
  }

  /** Takes a socket out of its rest. */
  #wake(member: Member): Member {
    const { channel, transport } = member;
    member.resting = false;
    // It stays in its bucket: the one timer under all need not be set anew a moment later.
    member.term?.clear();
    channel.incoming.watch(null);
    transport.ref(true);
    channel.trace?.("pool take");
    member.reused += 1;
    return member;
  }

  #evict(member: Member, why: string): Promise<unknown> {
    this.#forget(member);
    member.channel.trace?.(`pool evict: ${why}`);
    return member.channel.close();
  }

  /** Closes what rests. */
  async clear(): Promise<void> {
    await Promise.all([...this.#idle].map((member) => this.#evict(member, "the pool is closed")));
  }

  #forgetIfEmpty(): void {
    if (this.#open > 0 || this.#waiting > 0) return;
    if (pools.get(this.key) === this) pools.delete(this.key);
  }
}

/**
 * The pools that hold or wait for sockets, with their counts. Never waits.
 *
 * @example Usage
 * ```ts
 * import { pool_stats } from "@alilua/coevent/cosocket";
 *
 * for (const { key, open, idle, waiting } of pool_stats()) console.log(key, open, idle, waiting);
 * ```
 */
export function pool_stats(): PoolStats[] {
  return [...pools.values()].map((pool) => pool.stats);
}

/**
 * Closes the sockets that rest in the pool of a key, or in all pools. Sockets in use
 * stay open, and go back to their pool as before.
 *
 * @example Usage
 * ```ts
 * import { pool_close } from "@alilua/coevent/cosocket";
 *
 * await pool_close();
 * ```
 */
export async function pool_close(key?: string): Promise<Result<true>> {
  const named = key === undefined
    ? [...pools.values()]
    : [...pools.values()].filter((pool) => pool.key === key || pool.key.startsWith(`${key} `));
  await Promise.all(named.map((pool) => pool.clear()));
  return [true, null];
}
