import {
  fail,
  IoError,
  park,
  report,
  type Result,
  ThreadKilled,
  type WaitOptions,
} from "../core/mod.ts";
import { kill, newthread, type Thread } from "../thread/mod.ts";
import { createFor } from "./_create.ts";
import { current } from "./_home.ts";
import type { Office } from "./_office.ts";
import { copy } from "./_packet.ts";
import type {
  Context,
  ContextFunction,
  CreateOptions,
  Inside,
  Message,
  SendOptions,
} from "./types.ts";

/** A context where it runs: its mailbox and its threads. */
export class Cell implements Inside {
  readonly id: number;
  readonly name: string;
  readonly args: unknown[];
  readonly self: Context;
  readonly parent: Context;
  readonly #office: Office;
  readonly #mail: Message[] = [];
  readonly #waiters = new Set<(message: Message) => void>();
  readonly #unanswered = new WeakSet<Message>();
  readonly #threads = new Set<Thread>();

  constructor(office: Office, id: number, parent: number, name: string, args: unknown[]) {
    this.#office = office;
    this.id = id;
    this.name = name;
    this.args = args;
    this.self = office.handle(id, id);
    this.parent = office.handle(parent, id);
  }

  deliver(from: number, session: number, value: unknown): void {
    const message: Message = { from: this.#office.handle(from, this.id), session, value };
    if (session > 0) this.#unanswered.add(message);
    for (const wake of this.#waiters) {
      this.#waiters.delete(wake);
      this.#office.read(from, this.id);
      return wake(message);
    }
    this.#mail.push(message);
  }

  recv(options: WaitOptions = {}): Promise<Result<Message>> {
    return park<Result<Message>>(() => `receive in context '${this.name}'`, options, (wake) => {
      const message = this.#mail.shift();
      if (message !== undefined) {
        this.#office.read(message.from.id, this.id);
        wake([message, null]);
        return () => {};
      }
      const waiter = (found: Message) => wake([found, null]);
      this.#waiters.add(waiter);
      return () => this.#waiters.delete(waiter);
    });
  }

  reply(message: Message, value: unknown, options: SendOptions = {}): Result<true> {
    if (!this.#unanswered.has(message)) {
      return fail(new IoError("idle", "Cannot reply: nobody waits for an answer to this message"));
    }
    const [copied, moved] = copy(value, options.transfer);
    this.#unanswered.delete(message);
    const { from: { id: to }, session } = message;
    this.#office.route(to, { k: "reply", to, session, value: copied, moved });
    return [true, null];
  }

  run(fn: () => unknown): void {
    if (typeof fn !== "function") throw new TypeError(`run wants a function: got ${typeof fn}`);
    this.#start(fn, (error) => report(error, `context '${this.name}'`));
  }

  log(...values: unknown[]): void {
    console.error(`${this.name}#${this.id}:`, ...values);
  }

  create<In, Out>(
    url: URL | string,
    options: CreateOptions = {},
  ): Promise<Result<Context<In, Out>>> {
    return createFor<In, Out>(current.home!, this.id, url, options);
  }

  handle<In, Out>(id: number): Context<In, Out> {
    return this.#office.handle(id, this.id) as Context<In, Out>;
  }

  /** Runs the context's function; it ends when that and all its threads have. */
  enter(fn: ContextFunction): void {
    this.#start(() => fn(this), (error) => {
      const message = error instanceof Error ? error.stack ?? String(error) : String(error);
      this.#office.ended(this.id, { reason: "threw", message });
    });
  }

  /** Kills its threads; the office has told the end already. */
  stop(reason: string): void {
    for (const thread of this.#threads) kill(thread, reason);
  }

  #start(fn: () => unknown, failed: (error: unknown) => void): void {
    const thread = newthread(async () => {
      try {
        await fn();
      } catch (error) {
        if (error instanceof ThreadKilled) throw error;
        failed(error);
      }
    });
    this.#threads.add(thread);
    thread.done.then(() => {
      this.#threads.delete(thread);
      if (this.id > 0 && this.#threads.size === 0) {
        this.#office.ended(this.id, { reason: "returned", message: "its function returned" });
      }
    });
  }
}
