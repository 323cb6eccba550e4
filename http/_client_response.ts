import {
  type Bytes,
  checkTimeout,
  IoError,
  report,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { BufferedStream } from "../stream/mod.ts";
import type { Body } from "./_client_body.ts";
import type { Answered } from "./_client_call.ts";
import { Gathered } from "./_client_gather.ts";
import type { Life } from "./_client_life.ts";
import { type SaveTarget, type Sink, sinkOf } from "./_client_save.ts";
import { BodySource } from "./_client_source.ts";
import { textOf } from "./_client_text.ts";
import type { Progress } from "./_client_upload.ts";

/** The most that `body`, `text` and `json` hold unless `max` says otherwise: 64 MiB. */
const MOST_HELD = 64 * 1024 * 1024;

/** What `body`, `text` and `json` of a response take. */
export interface ClientBodyOptions extends WaitOptions {
  /** The most bytes that it may have, after decompression; 64 MiB by default. */
  max?: number;
  /** Hears how far it has come; `total` is `null` where the server does not say. */
  progress?: Progress;
}

/** Gives back what was dropped without `close`: nothing else would ever do it. */
const dropped = new FinalizationRegistry<Life>((life) => {
  const err = new IoError("closed", "It was dropped unread and has been closed now");
  life.end(err);
  report(err, `response of ${life.what}`);
});

/**
 * What a server has answered: status and headers at once, the body as it comes.
 *
 * Read the body to its end, or close the response (`await using` does): until then it holds
 * a connection and its place in the host's line. A small body is taken in by itself, so that
 * a program may look at the status and go on. A response that is dropped unread is closed
 * when it is collected, and named once through `thread.on_error`.
 *
 * A call that fails by `timeout`, `cancelled`, `too_long` or `bad_text` consumes nothing (but
 * `save`, what it has written): the next one finds all that has come. One call reads at a time, a second one gets `busy`.
 *
 * @example The status first, then the body
 * ```ts
 * import { client, unwrap } from "@alilua/coevent/http";
 *
 * const page = () => new Response("hello\n", { status: 201 });
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, page);
 * await using http = client();
 * await using response = await unwrap(http.get(`http://127.0.0.1:${server.addr.port}/`));
 * console.log(response.status, await response.text()); // 201 [ "hello\n", null ]
 * await http.close();
 * await server.shutdown();
 * ```
 */
export class ClientResponse implements AsyncDisposable {
  /** The status: 200, 404. */
  readonly status: number;
  /** The words beside the status, as the server wrote them; empty under HTTP/2. */
  readonly status_text: string;
  /** Whether the status is from 200 to 299. */
  readonly ok: boolean;
  /** The headers, as the standard has them. */
  readonly headers: Headers;
  /** Where the answer came from, at the end of all redirects. */
  readonly url: string;
  /** The URLs that were redirected, the first one first. */
  readonly redirects: readonly string[];
  /** How many bytes the body has; `null` where the server does not say, or compresses. */
  readonly length: number | null;
  readonly #body: Body;
  readonly #life: Life;
  readonly #timeout: number;
  /** What `body` has come to so far. */
  readonly #gathered = new Gathered();
  #whole: Bytes | null = null;
  #reading = false;
  #stream: BufferedStream | null = null;

  /** Made by the client. */
  constructor({ response, url, redirects, body, life, length }: Answered, timeout: number) {
    this.status = response.status;
    this.status_text = response.statusText;
    this.ok = response.ok;
    this.headers = response.headers;
    this.url = url.href;
    this.redirects = redirects;
    this.length = length;
    this.#body = body;
    this.#life = life;
    this.#timeout = timeout;
    if (life.isOver) return;
    dropped.register(this, life, life);
    // Or this, and all that it holds, would be kept until the next great collection.
    life.whenOver(() => dropped.unregister(life));
  }

  /**
   * Waits for the whole body and keeps it: a second call gives it again, and so do `save`
   * and `stream`. What was read through those before is not in it.
   *
   * `timeout` bounds each wait for progress. Errors: `too_long` (over `max`), `timeout`,
   * `cancelled`, `eof` (it broke off), `reset`, `protocol` (not what its encoding says),
   * `closed`, `busy`. From LEM (`res:body()`).
   */
  async body(options: ClientBodyOptions = {}): Promise<Result<Bytes>> {
    if (this.#whole !== null) return [this.#whole, null];
    const { max = MOST_HELD, progress, ...given } = options;
    if (!(max >= 0)) throw new RangeError(`body: max must be 0 or more bytes: got ${max}`);
    const wait = this.#wait(given);
    const busy = this.#begin();
    if (busy !== null) return [null, busy];
    const gathered = this.#gathered;
    try {
      for (;;) {
        if (Math.max(gathered.size, this.#announced()) > max) {
          return [null, new IoError("too_long", `${this.#action()}: it has over ${max} bytes`)];
        }
        const [piece, err] = await this.#body.next(wait);
        if (err !== null) return [null, err];
        if (piece === null) break;
        gathered.add(piece);
        const thrown = progress === undefined ? null : await this.#told(progress, gathered.size);
        if (thrown !== null) return [null, thrown];
      }
      this.#whole = gathered.take();
      return [this.#whole, null];
    } finally {
      this.#reading = false;
    }
  }

  /**
   * The whole body as text, by the charset that its type names, else UTF-8; a byte order
   * mark is left out. Errors: those of {@linkcode body}, `bad_text` (bytes that the charset
   * does not allow; `body` still gives them), `unsupported` (a charset nobody knows).
   */
  async text(options: ClientBodyOptions = {}): Promise<Result<string>> {
    const [bytes, err] = await this.body(options);
    if (err !== null) return [null, err];
    return textOf(bytes, this.headers.get("content-type"), this.#life.what);
  }

  /**
   * The whole body, parsed as JSON. What it is called is not looked at. Errors: those of
   * {@linkcode text}, `protocol` (no JSON).
   */
  async json<T = unknown>(options: ClientBodyOptions = {}): Promise<Result<T>> {
    const [text, err] = await this.text(options);
    if (err !== null) return [null, err];
    try {
      return [JSON.parse(text) as T, null];
    } catch {
      // The platform's error shows a piece of it.
      return [null, new IoError("protocol", `${this.#action()}: it is no JSON`)];
    }
  }

  /**
   * Writes the body to a file while it comes, and gives the byte count: to an open file of
   * `eio`, a stream, or a path. What a path leads to is replaced when the whole has come,
   * and stays as it is when it does not. Memory holds a piece or two, however long it is.
   *
   * Errors: those of {@linkcode body} and of the file. `err.sent` bytes have been written
   * then, and are consumed, though nothing is left of them where the target is a path.
   * With a path, requires `--allow-write` and `--allow-read` for its directory.
   */
  async save(target: SaveTarget, options: ClientBodyOptions = {}): Promise<Result<number>> {
    const { max = Infinity, progress, ...given } = options;
    const wait = this.#wait(given);
    const busy = this.#begin();
    if (busy !== null) return [null, busy];
    try {
      const [sink, openErr] = await sinkOf(target, wait);
      if (openErr !== null) return [null, openErr];
      this.#giveBack();
      return await this.#saveTo(sink, max, progress, wait);
    } finally {
      this.#reading = false;
    }
  }

  async #saveTo(
    sink: Sink,
    max: number,
    progress: Progress | undefined,
    wait: WaitOptions,
  ): Promise<Result<number>> {
    let done = 0;
    let whole = false;
    const failed = (err: IoError): Result<number> => {
      const { code, message } = err;
      return [null, new IoError(code, message, { cause: err.cause ?? err, sent: done })];
    };
    try {
      for (;;) {
        if (Math.max(done, this.#announced()) > max) {
          return failed(new IoError("too_long", `${this.#action()}: it has over ${max} bytes`));
        }
        const [piece, err] = await this.#body.next(wait);
        if (err !== null) return failed(err);
        if (piece === null) break;
        const [, writeErr] = await sink.write(piece);
        if (writeErr !== null) return failed(writeErr);
        done += piece.length;
        const thrown = progress === undefined ? null : await this.#told(progress, done);
        if (thrown !== null) return failed(thrown);
      }
      whole = true;
      const [, err] = await sink.finish();
      return err === null ? [done, null] : failed(err);
    } finally {
      if (!whole) await sink.drop();
    }
  }

  /**
   * The body as a stream with the receive patterns of a socket: lines, counts, `readable`.
   * From now on it alone reads. Closing it closes the response.
   */
  get stream(): BufferedStream {
    if (this.#stream === null) {
      const { what } = this.#life;
      const source = new BodySource(this.#body, what, () => this.#life.over());
      this.#giveBack();
      this.#stream = new BufferedStream(source, { name: what, timeout: this.#timeout });
    }
    return this.#stream;
  }

  /** Gives the connection back; of a body that has not come to its end, it is closed. */
  close(): Promise<Result<true>> {
    this.#stream?.close_immediately();
    this.#life.over();
    return Promise.resolve([true, null]);
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What `body` has come to, whole or not, is for whoever reads now. */
  #giveBack(): void {
    if (this.#gathered.size > 0) this.#body.unread(this.#gathered.take());
    else if (this.#whole !== null && this.#body.drained) this.#body.unread(this.#whole);
  }

  #action(): string {
    return `Cannot read the body of ${this.#life.what}`;
  }

  /** What is known of its size before it comes. */
  #announced(): number {
    return this.length ?? 0;
  }

  #wait({ timeout = this.#timeout, signal }: WaitOptions): WaitOptions {
    checkTimeout(timeout);
    return signal === undefined ? { timeout } : { timeout, signal };
  }

  /** One reader at a time: says who the other one is. */
  #begin(): IoError | null {
    if (this.#reading || this.#stream !== null) {
      const by = this.#reading ? "another call" : "its stream";
      return new IoError("busy", `${this.#action()}: ${by} reads it`);
    }
    this.#reading = true;
    return null;
  }

  /** Tells how far it has come; what the program throws then is `failed`. */
  async #told(progress: Progress, done: number): Promise<IoError | null> {
    try {
      await progress(done, this.length);
      return null;
    } catch (cause) {
      return new IoError("failed", `${this.#action()}: progress threw`, { cause });
    }
  }
}
