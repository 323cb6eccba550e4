import { fromOs, IoError, type Result } from "../core/mod.ts";

/**
 * Listens on a path. A socket file that a dead server has left is replaced; one that
 * somebody answers on, or that is no socket at all, is `in_use`.
 */
export async function openUnix(
  path: string,
  mode: number | undefined,
  action: string,
): Promise<Result<Deno.UnixListener>> {
  try {
    return [listen(path, mode), null];
  } catch (error) {
    const err = fromOs(error, action);
    if (err.code !== "in_use") return [null, err];
    const [left, why] = await leftBehind(path);
    if (left === null) {
      return [null, new IoError("in_use", `${action}: ${why}`, { cause: error })];
    }
    try {
      // In one turn, so that what another process has put there meanwhile stays.
      if (left !== "nothing" && idOf(path) === left) Deno.removeSync(path);
      return [listen(path, mode), null];
    } catch (again) {
      return [null, fromOs(again, action)];
    }
  }
}

function listen(path: string, mode: number | undefined): Deno.UnixListener {
  const listener = Deno.listen({ transport: "unix", path });
  try {
    if (mode !== undefined) Deno.chmodSync(path, mode);
    return listener;
  } catch (error) {
    listener.close();
    throw error;
  }
}

/** Tells one file from another that takes its place; `null` for what is no socket. */
function idOf(path: string): string | null {
  try {
    const { isSocket, dev, ino, mtime } = Deno.lstatSync(path);
    return isSocket ? `${dev} ${ino} ${mtime?.getTime()}` : null;
  } catch {
    return "nothing";
  }
}

/** The file's mark if nobody listens behind it, else why it must stay. */
async function leftBehind(path: string): Promise<[string, null] | [null, string]> {
  const id = idOf(path);
  if (id === null) return [null, "a file is there that is no socket"];
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    const { code } = fromOs(error, "");
    if (code === "refused" || code === "not_found") return [id, null];
  }
  return [null, "a server answers there"];
}
