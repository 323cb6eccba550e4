/** A worker of a sharded server: what the module that `listen` makes for it calls. */
import { type Encoding, type IoError, park, type Result, ThreadKilled } from "../core/mod.ts";
import { listen, type Server, type TcpSocket } from "../cosocket/mod.ts";
import { type Answer, LINE, type Order, type Place, type Question } from "./_listen_words.ts";
import type { Word } from "./_listen_words.ts";
import { packError, postTo, takeFrom } from "./_share_wire.ts";
import type { ShardHandler } from "./listen.ts";
import type { Inside } from "./types.ts";

/** Where this module is; who asks has it in a compiled program too. */
export const SERVE: string = import.meta.url;

/** Serves until it is told to close, or is killed; then nothing of it is left open. */
export async function serve(inside: Inside, module: { default?: unknown }): Promise<void> {
  const handler = module.default;
  if (typeof handler !== "function") {
    throw new TypeError(`its default export must be a function: got ${typeof handler}`);
  }
  const worker = new Worker(inside, handler as ShardHandler<Encoding>);
  try {
    await worker.run();
  } finally {
    await worker.end();
  }
}

class Worker {
  readonly #inside: Inside;
  readonly #handler: ShardHandler<Encoding>;
  readonly #forget: () => void;
  #reply = 0;
  #begin: ((place: Place) => void) | null = null;
  #server: Server<Encoding> | null = null;
  #accepted = 0;
  #failed = 0;

  constructor(inside: Inside, handler: ShardHandler<Encoding>) {
    this.#inside = inside;
    this.#handler = handler;
    this.#forget = takeFrom(inside.self.id, LINE, (value) => this.#take(value as Order));
  }

  async run(): Promise<void> {
    const [place] = await park<Result<Place>>(() => "be told where to listen", {}, (wake) => {
      this.#begin = (place) => wake([place, null]);
      return () => {};
    });
    // Without a limit or a signal the wait has no other end.
    const { index, reply } = place!;
    this.#reply = reply;
    const server = await this.#open(place!);
    if (server === null) return;
    this.#server = server;
    const shard = { index, inside: this.#inside };
    const spawning = server.autospawn(async (sock: TcpSocket<Encoding>) => {
      this.#accepted++;
      try {
        return await this.#handler(sock, shard);
      } catch (error) {
        if (!(error instanceof ThreadKilled)) this.#failed++;
        throw error;
      }
    });
    this.#leaveWithParent();
    this.#say({ k: "listening", address: server.address() });
    const [, err] = await spawning;
    if (err !== null) throw err;
    // It was closed; what is open may come to its end.
    await server.shutdown({ grace: Infinity });
  }

  /** Its creator's thread may be gone before it could tell; the main thread stays. */
  #leaveWithParent(): void {
    const { parent, self } = this.#inside;
    if (parent.id !== 0) parent.wait().then(() => self.destroy("its creator has ended"));
  }

  /** Closes what is left, also where the thread was killed. */
  async end(): Promise<void> {
    this.#forget();
    await this.#server?.shutdown({ grace: 0 });
  }

  async #open(place: Place): Promise<Server<Encoding> | null> {
    try {
      const onerror = (err: IoError) => this.#say({ k: "lost", err: packError(err) });
      const [server, err] = await open(place, onerror);
      if (err !== null) this.#say({ k: "refused", err: packError(err) });
      return server;
    } catch (error) {
      // The caller's fault, which it shall hear as if it had been told there.
      const { message } = error as Error;
      this.#say({ k: "misuse", range: error instanceof RangeError, message });
      return null;
    }
  }

  #say(word: Word): void {
    postTo(this.#inside.parent.id, this.#reply, this.#inside.self.id, word);
  }

  #take(order: Order): void {
    if (order.k === "begin") return this.#begin?.(order.place);
    const { n, question } = order;
    // A thread of the context, which does not end before it has answered.
    this.#inside.run(async () => {
      this.#say({ k: "answer", n, value: await this.#answer(question) });
    });
  }

  async #answer(question: Question): Promise<Answer> {
    const server = this.#server!;
    if (question.what === "close") return (await server.close())[0]!;
    // None is known where killed handlers do not unwind.
    if (question.what === "shutdown") return (await server.shutdown(question))[0] ?? 0;
    const { connections } = server;
    return { connections, accepted: this.#accepted, failed: this.#failed };
  }
}

/** Listens on a port that the other workers have too, but nobody else. */
async function open(
  { host, port, joins, options }: Place,
  onerror: (err: IoError) => void,
): Promise<Result<Server<Encoding>>> {
  if (!joins && port !== 0) {
    // One that shares its port would share it with us unasked; this one is refused.
    const [probe, err] = await listen(host, port, options);
    if (err !== null) return [null, err];
    await probe.close();
  }
  return await listen(host, port, { ...options, reuseport: true, onerror });
}
