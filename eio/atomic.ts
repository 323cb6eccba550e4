import {
  codecOf,
  fail,
  IoError,
  ok,
  type Payload,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { bytesToWrite } from "./_arguments.ts";
import { errnoOf, refusedFolder } from "./_errors.ts";
import { ask, done } from "./_operation.ts";
import { Descriptor } from "./_descriptor.ts";
import { accessOf } from "./_mode.ts";
import { resolve } from "node:path";
import { basename, dirname, join, pathOf, quote } from "./_path.ts";
import { NEW_FILE, permOf } from "./_perm.ts";
import { RegularFile } from "./_regular.ts";
import { giveRights, type Rights } from "./_rights.ts";
import type { WriteFileOptions } from "./whole.ts";

/** The mode of a file that nobody else may look into. */
const OURS = 0o600;

/**
 * Writes a file so that after a crash, of the program or the machine, it is the old one
 * or the new one and never half, and gives the byte count.
 *
 * It writes a file beside it (`.name.<16 digits>.tmp`), syncs that, renames it over the
 * old one and syncs the directory. A program that dies in the middle leaves the file
 * beside it behind; one that fails or is killed as a thread does not. The rights of a file
 * that is there are kept, its owner and group where the system lets us give it to them; where
 * not, a group of ours may do no more than others. Of a link, what it leads to is replaced.
 * Readers that have the old file open go on reading the old one.
 *
 * Requires `--allow-read` and `--allow-write` for the directory. Errors: those of
 * {@linkcode open}, `no_space`; after an error the file is the old one, unless it was given
 * up while it was renamed, or syncing the directory failed: then it may be the new one.
 *
 * @example Usage
 * ```ts
 * import { readfile, unwrap, write_atomic } from "@alilua/coevent/eio";
 *
 * const path = `${await Deno.makeTempDir()}/settings.json`;
 * await unwrap(write_atomic(path, JSON.stringify({ port: 80 })));
 * console.log(await readfile(path, { encoding: "utf-8" })); // [ '{"port":80}', null ]
 * ```
 */
export async function write_atomic(
  path: string | URL,
  data: Payload,
  options: WriteFileOptions = {},
): Promise<Result<number>> {
  const given = pathOf(path);
  const { perm, encoding = "utf-8", ...limits } = options;
  const pieces = bytesToWrite(data, codecOf(encoding));
  const wanted = perm === undefined ? null : permOf(perm, "perm");
  const what = () => `write ${quote(given)}`;

  const [old, err] = await ask(what, limits, () => oldFile(given));
  // Its folder is asked for at once: the file beside it would need that next.
  const refused = (err: IoError, path: string) =>
    fail(refusedFolder(err, path, `Cannot ${what()}`));
  if (err !== null) return refused(err, given);
  const target = old.path;
  const beside = nameBeside(target);
  /** What the system goes on with when it is given up: making the file, and renaming it. */
  const underWay: Promise<unknown>[] = [];
  let renamed = false;
  try {
    const rights = rightsOf(old, wanted);
    const [count, writeErr] = await writeSynced(beside, pieces, rights, limits, underWay);
    if (writeErr !== null) return refused(writeErr, beside);
    const [, renameErr] = await done(what, limits, () => {
      const renaming = Deno.rename(beside, target);
      underWay.push(renaming);
      return renaming;
    });
    if (renameErr !== null) return refused(renameErr, beside);
    renamed = true;
    const [, syncErr] = await done(what, limits, () => syncFolder(dirname(target)));
    return syncErr === null ? ok(count) : fail(syncErr);
  } finally {
    if (!renamed) {
      // No calls of ours: this must happen in a killed thread, too.
      await Promise.allSettled(underWay);
      await Deno.remove(beside).catch(() => {});
    }
  }
}

/** What is to be replaced; without rights where nothing is there yet. */
interface Old {
  path: string;
  rights: Rights | null;
}

/** Where the file really is, and the rights that it has. */
async function oldFile(path: string): Promise<Old> {
  try {
    const real = await Deno.realPath(path);
    const { mode, uid, gid, isFile, isDirectory } = await Deno.stat(real);
    if (isDirectory) throw new IoError("is_dir", `Cannot write ${quote(path)}: it is a directory`);
    // Renamed over, a FIFO or a device would be gone.
    if (!isFile) throw new Deno.errors.NotSupported("it is not a regular file");
    return { path: real, rights: { uid, gid, mode: (mode ?? NEW_FILE) & 0o7777 } };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const led = await Deno.readLink(path).catch(() => null);
    // A link that leads nowhere yet: what it leads to is made.
    return led === null ? { path, rights: null } : await oldFile(resolve(dirname(path), led));
  }
}

/** Those of the old file, with the mode that was asked for; `null` for what a new file gets. */
function rightsOf({ rights }: Old, wanted: number | null): Rights | null {
  if (wanted === null) return rights;
  return { uid: null, gid: null, ...rights, mode: wanted };
}

/** A name beside a file that nobody else has: 64 random bits. */
function nameBeside(path: string): string {
  const bits = crypto.getRandomValues(new Uint8Array(8)).toHex();
  // Short enough for any file system, whatever the characters take.
  return join(dirname(path), `.${basename(path).slice(0, 40)}.${bits}.tmp`);
}

async function writeSynced(
  path: string,
  pieces: Uint8Array[],
  rights: Rights | null,
  limits: WaitOptions,
  underWay: Promise<unknown>[],
): Promise<Result<number>> {
  const [descriptor, err] = await ask(() => `open ${quote(path)}`, limits, async () => {
    // Ours alone until it has the rights that it is to have.
    const mode = rights === null ? NEW_FILE : OURS;
    const opening = Deno.open(path, { write: true, createNew: true, mode });
    underWay.push(opening);
    return new Descriptor(await opening, path, false);
  }, (late) => {
    late.close();
  });
  if (err !== null) return fail(err);
  await using file = new RegularFile<"lines">(descriptor, accessOf("x"), "lines");
  const [count, writeErr] = await file.write(pieces, limits);
  if (writeErr !== null) return fail(writeErr);
  if (rights !== null) {
    const [, err] = await done(
      () => `chmod ${quote(path)}`,
      limits,
      () => giveRights(path, rights),
    );
    if (err !== null) return fail(err);
  }
  const [, syncErr] = await file.sync(limits);
  return syncErr === null ? ok(count) : fail(syncErr);
}

/** Puts a directory's names on the disk, where the system knows how. */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  try {
    await folder.sync();
  } catch (error) {
    // Some network file systems do this by themselves, and say so in this way.
    if (errnoOf(error) !== "EINVAL") throw error;
  }
}
