import type { GoneReason, Result, WaitOptions } from "../core/mod.ts";

/**
 * What {@linkcode create} takes beside the module's URL. `timeout` and `signal` bound the
 * start, with no limit by default; a context that is not up by then is destroyed.
 */
export interface CreateOptions extends WaitOptions {
  /** For `log` and error messages; the last part of the URL's path by default. */
  name?: string;
  /** Handed to the context's function as `args`, copied. */
  args?: unknown[];
  /**
   * A process of its own instead of a thread; needs `--allow-run` and
   * `--allow-env=NODE_V8_COVERAGE`. `unsupported` in a compiled program. `false` by default.
   */
  isolated?: boolean;
  /**
   * The flags that an isolated context gets, such as `["--allow-net=127.0.0.1"]`; none by
   * default. Threads share the program's permissions and refuse this option.
   */
  permissions?: string[];
  /**
   * How many bytes of heap an isolated context may use, 16 MiB or more; one that uses more
   * is killed. Buffers are not counted. By default what the runtime takes for a process.
   * Threads refuse this option.
   */
  memory?: number;
}

/** How {@linkcode Context.send} sends. */
export interface SendOptions extends WaitOptions {
  /** Buffers and ports that move to the receiver; the sender's are empty afterwards. */
  transfer?: Transferable[];
  /**
   * `send` resolves when the receiver has taken it with `recv`, not when it is on its way:
   * `gone` then says that it never was. `false` by default.
   */
  confirm?: boolean;
}

/** How a context came to its end. */
export interface Ending {
  /** `returned`, `threw`, `exited`, `killed` (out of memory, signal) or `destroyed`. */
  reason: GoneReason;
  /** For people: the error's text, or the reason that was given to `destroy`. */
  message: string;
  /**
   * How many messages of this thread lay unread in its mailbox; left out if none did. Those
   * that it took just before a sudden death may be among them.
   */
  unread?: number;
}

/**
 * A context elsewhere: a mailbox to send to. `In` is what it takes, `Out` what its
 * replies are.
 */
export interface Context<In = unknown, Out = unknown> extends AsyncDisposable {
  /** Counts up from 1 over the whole program; 0 is the main thread. */
  readonly id: number;
  /**
   * Puts a copy of the value in its mailbox; waits while 1,024 messages of this thread lie
   * there unread. Order is kept. A value that cannot be copied throws a TypeError, and
   * nothing is sent; so do a transfer and shared memory for an isolated context.
   *
   * Resolves when it is on its way, or with `confirm` when it was taken. `gone` when the
   * context has ended; if it ends later with the message unread, that is told once to
   * `thread.on_error` and in {@linkcode Ending.unread}.
   */
  send(value: In, options?: SendOptions): Promise<Result<true>>;
  /**
   * Sends and waits for the reply. Every query ends: with the reply, `timeout`,
   * `cancelled`, or `gone` with the reason. `timeout` is in milliseconds, without limit by
   * default; a late reply is dropped.
   */
  query(value: In, options?: SendOptions): Promise<Result<Out>>;
  /** Waits until it has ended; one that has ended answers at once. */
  wait(options?: WaitOptions): Promise<Result<Ending>>;
  /**
   * Ends it: its threads are killed, whoever waits for it hears `destroyed`. Does not wait.
   * The last context of a thread, and an isolated one, takes the children along that were
   * started there; one that is stuck is killed two seconds later, and leaves them behind.
   * `gone` if it is known to have ended.
   */
  destroy(reason?: string): Result<true>;
  /**
   * Destroys it and waits until it has ended, at the end of an `await using` block. A kill
   * of the caller cuts the wait short, and is not thrown here.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** One message, as {@linkcode Inside.recv} gives it. */
export interface Message<In = unknown> {
  /** Who sent it. */
  readonly from: Context;
  /** Above 0 for a query, 0 for a send. */
  readonly session: number;
  /** What was sent. */
  readonly value: In;
}

/** What a context's function gets: its own side of things. */
export interface Inside<In = unknown, Out = unknown> {
  /** This context. */
  readonly self: Context<In, Out>;
  /** Who created it; the main thread is its own parent. */
  readonly parent: Context;
  /** What `create` was given as `name`. */
  readonly name: string;
  /** What `create` was given as `args`. */
  readonly args: unknown[];
  /** Takes the next message, in order; a wait that fails takes none. */
  recv(options?: WaitOptions): Promise<Result<Message<In>>>;
  /** Answers a query, once; `idle` for a send and for the second time. */
  reply(message: Message<In>, value: Out, options?: SendOptions): Result<true>;
  /** As the module's `create`, with this context as the parent. */
  create<I = unknown, O = unknown>(
    url: URL | string,
    options?: CreateOptions,
  ): Promise<Result<Context<I, O>>>;
  /** A context by its `id`, as another sent it: handles themselves cannot be sent. */
  handle<I = unknown, O = unknown>(id: number): Context<I, O>;
  /** Runs a function as a thread of this context, which lives at least as long. */
  run(fn: () => unknown): void;
  /** Writes a line with the context's name before it to stderr. */
  log(...values: unknown[]): void;
}

/**
 * What the module of a context exports as default.
 *
 * @example One that doubles what it is asked
 * ```ts
 * import type { ContextFunction } from "@alilua/coevent/context";
 *
 * // The default export of a module, which `create` is given.
 * const double: ContextFunction<number, number> = async (inside) => {
 *   for (;;) {
 *     const [question, err] = await inside.recv();
 *     if (err) return;
 *     inside.reply(question, question.value * 2);
 *   }
 * };
 * console.log(typeof double); // function
 * ```
 */
export type ContextFunction<In = unknown, Out = unknown> = (inside: Inside<In, Out>) => unknown;
