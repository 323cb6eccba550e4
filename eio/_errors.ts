/** The system's errors, as this module tells them. */
import { fromOs, IoError } from "../core/mod.ts";
import { dirname } from "./_path.ts";

/** An error of the system's, without what its words repeat of ours. */
export function osError(error: unknown, action: string): IoError {
  const err = fromOs(error, action);
  if (err === error || err.code === "no_permission") return err;
  const words = err.message.slice(action.length)
    .replace(/^: e[A-Z0-9]+: /, ": ")
    .replace(/(?:: |, )[a-z]+ '[^]*$/, "");
  const { cause, errno } = err;
  const message = action + words;
  return new IoError(err.code, message, errno === undefined ? { cause } : { cause, errno });
}

/**
 * Who is refused a file whose name is new each time can only be given its folder: that is
 * what the flag in the message must name.
 */
export function refusedFolder(err: IoError, path: string, action: string): IoError {
  if (err.code !== "no_permission") return err;
  const [, needs = "", target] = /it needs ([^=]*)=?(.*)$/.exec(err.message) ?? [];
  const flag = target === path ? `${needs}=${dirname(path)}` : `${needs}=${target}`;
  return new IoError("no_permission", `${action}: it needs ${flag}`, { cause: err.cause });
}

/** Whether Deno itself refused, for want of a permission. */
export function isRefused(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}

/** The system's name of an error, `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Whether the path, or a folder on the way to it, is not there. */
export function isMissing(err: IoError): boolean {
  return err.code === "not_found" || err.code === "not_dir";
}
