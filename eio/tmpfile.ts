import { codecOf, type Encoding, fail, ok, type Result } from "../core/mod.ts";
import { ask } from "./_operation.ts";
import { Descriptor } from "./_descriptor.ts";
import { accessOf } from "./_mode.ts";
import { osError, refusedFolder } from "./_errors.ts";
import { pathOf } from "./_path.ts";
import { RegularFile } from "./_regular.ts";
import type { FileHandle, OpenOptions } from "./types.ts";

/** What `tmpfile` takes. */
export interface TmpfileOptions<E extends Encoding = "lines"> extends OpenOptions<E> {
  /** The directory; the system's own for temporary files by default. */
  dir?: string | URL;
}

/**
 * Opens a new file to write and read (`"w+"`) that nobody else can find: its name is
 * removed at once, so nothing is left of it when it is closed or the program dies. (On
 * Windows, a file with a name stays behind.) Its `path` says where it was.
 *
 * Requires `--allow-read` and `--allow-write`, with `dir` of that folder, without it everywhere
 * (the runtime asks so). Errors: `no_space`, `not_found` (`dir`),
 * `denied`, `no_permission`, `exhausted`. From Lua (`io.tmpfile`).
 *
 * @example Usage
 * ```ts
 * import { tmpfile, unwrap } from "@alilua/coevent/eio";
 *
 * await using scratch = await unwrap(tmpfile({ encoding: "utf-8" }));
 * await scratch.write("42");
 * console.log(await scratch.read(10, 0)); // [ "42", null ]
 * ```
 */
export async function tmpfile<E extends Encoding = "lines">(
  options: TmpfileOptions<E> = {},
): Promise<Result<FileHandle<E>>> {
  const { dir, encoding = "lines", ...limits } = options;
  codecOf(encoding);
  const where = dir === undefined ? {} : { dir: pathOf(dir, "dir") };
  const [descriptor, err] = await ask(() => "open a temporary file", limits, async () => {
    const path = await Deno.makeTempFile(where);
    let file: Deno.FsFile | null = null;
    try {
      file = await Deno.open(path, { read: true, write: true });
    } catch (error) {
      const action = "Cannot open a temporary file";
      throw refusedFolder(osError(error, action), path, action);
    } finally {
      if (Deno.build.os !== "windows") {
        await Deno.remove(path).catch((error) => {
          file?.close();
          throw error;
        });
      }
    }
    return new Descriptor(file, path, false);
  }, (late) => {
    late.close();
  });
  if (err !== null) return fail(err);
  return ok(new RegularFile<E>(descriptor, accessOf("w+"), encoding));
}
