import { fail, IoError, report, type Result, ThreadKilled, type WaitOptions } from "../core/mod.ts";
import { kill, newthread, type Queue, queue, type Thread } from "../thread/mod.ts";
import { createFor } from "./_create.ts";
import { current } from "./_home.ts";
import type { Office } from "./_office.ts";
import { CONFIRM, type Mail, QUERY, type Taken } from "./_packet.ts";
import type {
  Context,
  ContextFunction,
  CreateOptions,
  Inside,
  Message,
  SendOptions,
} from "./types.ts";

/** A message in a mailbox. */
class Letter implements Message {
  readonly session: number;
  readonly value: unknown;
  readonly #office: Office;
  readonly #mail: Mail;
  #open: boolean;

  constructor(office: Office, mail: Mail) {
    this.session = mail.kind === QUERY ? mail.session : 0;
    this.value = mail.value;
    this.#office = office;
    this.#mail = mail;
    this.#open = mail.kind === QUERY;
  }

  get from(): Context {
    return this.#office.handle(this.#mail.from, this.#mail.to);
  }

  /** The mail, of a query that nobody has answered; else null. */
  static unanswered(message: Message): Mail | null {
    return message instanceof Letter && message.#open ? message.#mail : null;
  }

  static took(message: Letter, cell: Cell): void {
    message.#office.acknowledge(cell, message.#mail);
    if (message.#mail.kind === CONFIRM) message.#office.reply(message.#mail, true, false);
  }

  static answered(message: Message): void {
    (message as Letter).#open = false;
  }
}

/** A context where it runs: its mailbox and its threads. */
export class Cell implements Inside {
  readonly id: number;
  readonly name: string;
  readonly args: unknown[];
  readonly self: Context;
  readonly parent: Context;
  /** What was told last to the threads whose messages it takes. */
  readonly acks: Map<number, { taken: Taken; round: number }> = new Map();
  readonly #office: Office;
  readonly #mail: Queue<Letter>;
  readonly #threads = new Set<Thread>();

  constructor(office: Office, id: number, parent: number, name: string, args: unknown[]) {
    this.#office = office;
    this.id = id;
    this.name = name;
    this.args = args;
    this.self = office.handle(id, id);
    this.parent = office.handle(parent, id);
    this.#mail = queue<Letter>({ name });
  }

  deliver(mail: Mail): void {
    this.#mail.try_put(new Letter(this.#office, mail));
  }

  recv(options?: WaitOptions): Promise<Result<Message>> {
    return this.#mail.get(options).then((result) => {
      if (result[0] !== null) Letter.took(result[0], this);
      return result;
    });
  }

  reply(message: Message, value: unknown, options: SendOptions = {}): Result<true> {
    const mail = Letter.unanswered(message);
    if (mail === null) {
      return fail(new IoError("idle", "Cannot reply: nobody waits for an answer to this message"));
    }
    this.#office.reply(mail, value, this.#mail.empty(), options.transfer);
    Letter.answered(message);
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
