import { codecOf, type Encoding, fail, ok, type Result, type WaitOptions } from "../core/mod.ts";
import { BufferedStream, type StreamOptions } from "../stream/mod.ts";
import { ask } from "./_operation.ts";
import { Descriptor } from "./_descriptor.ts";
import { Device } from "./_device.ts";
import { type Access, accessOf, type OpenMode } from "./_mode.ts";
import { pathOf, quote } from "./_path.ts";
import { NEW_FILE, type Perm, permOf } from "./_perm.ts";
import { RegularFile } from "./_regular.ts";
import { routeOf } from "./_route.ts";
import { fileSource } from "./_source.ts";
import { WaitingFile } from "./_waiting.ts";
import type { FileHandle, OpenOptions } from "./types.ts";

/**
 * Opens a file.
 *
 * Modes: `"r"` to read what is there (the default); `"w"` to write, emptied first; `"a"`
 * to append; `"x"` to write what must not exist yet. A `+` adds the other of reading and
 * writing: `"r+"` writes into what is there. `"wx"` is `"x"`; `"ax"` appends to what must
 * not exist. `perm` is for a new file, `0o644` by default, less the umask.
 *
 * A FIFO waits for its other side, as POSIX says, and nothing else with it: no thread of
 * the runtime is held. FIFOs, terminals and other devices that make one wait give a
 * handle without a cursor; {@linkcode open_stream} gives them receive patterns.
 *
 * Requires `--allow-read` to read, `--allow-write` to write. Errors: `not_found`,
 * `exists`, `is_dir`, `not_dir`, `denied`, `no_permission`, `exhausted` (descriptors),
 * `timeout`, `cancelled`, `unsupported` (a socket), `io` (such as `ELOOP`). A file whose
 * opening is given up, or whose thread is killed, is closed when it opens all the same.
 * From aLiLua, where `"w"` truncates not and `"r+"` is not known.
 *
 * @example Usage
 * ```ts
 * import { open, tmpfile, unwrap } from "@alilua/coevent/eio";
 *
 * await using file = await unwrap(tmpfile());
 * await file.write("one\ntwo\n");
 * console.log(await file.seek(-4, "end")); // [ 4, null ]
 * for await (const line of file.lines()) console.log(line); // two
 *
 * const [, err] = await open("no/such/file");
 * console.log(err?.code); // not_found
 * ```
 */
export function open<E extends Encoding = "lines">(
  path: string | URL,
  mode?: OpenMode,
  options?: OpenOptions<E>,
): Promise<Result<FileHandle<E>>>;
/** Opens a file; a new one gets the rights `perm`. */
export function open<E extends Encoding = "lines">(
  path: string | URL,
  mode: OpenMode | undefined,
  perm: Perm | undefined,
  options?: OpenOptions<E>,
): Promise<Result<FileHandle<E>>>;
export function open<E extends Encoding = "lines">(
  path: string | URL,
  mode: OpenMode = "r",
  third: Perm | OpenOptions<E> = NEW_FILE,
  fourth: OpenOptions<E> = {},
): Promise<Result<FileHandle<E>>> {
  const [perm, options] = typeof third === "object" && third !== null
    ? [NEW_FILE, third]
    : [third, fourth];
  const encoding = options.encoding ?? "lines";
  codecOf(encoding);
  return opened<FileHandle<E>>(path, mode, perm, options, {
    file: (descriptor, access) => new RegularFile<E>(descriptor, access, encoding),
    device: (device, name) => new WaitingFile<E>(device, name, encoding as E),
    refuse: () => null,
  });
}

/** What `open_stream` takes. */
export interface OpenStreamOptions<E extends Encoding = "lines"> extends StreamOptions<E> {
  /** The rights of a new file; `0o644` by default. */
  perm?: Perm;
  /** Gives up the opening with `cancelled` when aborted. */
  signal?: AbortSignal;
}

/**
 * Opens a FIFO, a terminal, a device or a file as a stream, with the receive patterns of
 * a socket: lines, counts, boundaries, and a receive that fails consumes nothing.
 *
 * A FIFO waits for its other side, unless `"r+"` opens both. `timeout` bounds the opening
 * and holds for the stream's calls. A terminal does not become the program's own. Of a
 * regular file the stream reads, or writes, from the beginning, or appends; both ways at
 * once would need two cursors and is `unsupported`.
 *
 * Requires `--allow-read` to read, `--allow-write` to write. Errors: those of
 * {@linkcode open}. From LEM (`streams.open`, `io.streamfile`).
 *
 * @example A FIFO, read line by line; here it is a file, which ends
 * ```ts
 * import { open_stream, unwrap, writefile } from "@alilua/coevent/eio";
 *
 * const path = `${await Deno.makeTempDir()}/orders`;
 * await unwrap(writefile(path, "tea\ncake\n"));
 * await using orders = await unwrap(open_stream(path, "r", { timeout: 0 }));
 * for await (const line of orders.lines()) console.log("order:", line); // tea, cake
 * ```
 */
export function open_stream<E extends Encoding = "lines">(
  path: string | URL,
  mode: OpenMode = "r",
  options: OpenStreamOptions<E> = {},
): Promise<Result<BufferedStream<E>>> {
  const { perm = NEW_FILE, signal: _, ...own } = options;
  codecOf(own.encoding ?? "lines");
  const stream = (source: ConstructorParameters<typeof BufferedStream>[0], name: string) =>
    new BufferedStream<E>(source, { name, ...own });
  return opened(path, mode, perm, options, {
    file: (descriptor) => stream(fileSource(descriptor), descriptor.path),
    device: stream,
    refuse: (access) =>
      access.read && access.write ? "a stream of a file goes one way: read it or write it" : null,
  });
}

/** What is made of what was opened. */
interface Makers<T> {
  file(descriptor: Descriptor, access: Access): T;
  device(device: Device, name: string): T;
  /** Why it cannot be a file with this access; `null` if it can. */
  refuse(access: Access): string | null;
}

function opened<T>(
  path: string | URL,
  mode: OpenMode,
  perm: Perm,
  options: WaitOptions,
  make: Makers<T>,
): Promise<Result<T>> {
  const name = pathOf(path);
  const access = accessOf(mode);
  const rights = permOf(perm, "perm");
  return ask<Descriptor | Device>(
    () => `open ${quote(name)}`,
    options,
    async (caller) => {
      const { route, fd } = await routeOf(name, access);
      if (route !== "file") return await Device.open(name, access, route === "fifo", caller, fd);
      const why = make.refuse(access);
      if (why !== null) throw new Deno.errors.NotSupported(why);
      return new Descriptor(await openFile(name, access, rights), name, access.append);
    },
    (late) => {
      late.close();
    },
  ).then(([it, err]) => {
    if (err !== null) return fail(err);
    return ok(it instanceof Device ? make.device(it, name) : make.file(it, access));
  });
}

function openFile(path: string, access: Access, rights: number): Promise<Deno.FsFile> {
  const { read, write, append, truncate, create, fresh } = access;
  return Deno.open(path, {
    read,
    write: write && !append,
    append,
    truncate,
    create: create && !fresh,
    createNew: fresh,
    ...(create ? { mode: rights } : {}),
  });
}
