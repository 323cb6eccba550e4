/** From what was asked for to a place below a root, or to a refusal. */

/** A path, taken apart; `folder` says that it ended in a slash. */
export interface SafePath {
  segments: string[];
  folder: boolean;
}

/** Some people's clients do look there. */
const WELL_KNOWN = ".well-known";

/**
 * Takes a request's path apart, escaped as it came. Gives the status of the refusal for all
 * that could lead elsewhere: dot segments in any escaping, slashes and backslashes that were
 * escaped, NUL, empty segments; hidden names too, unless they are wanted.
 */
export function safePath(uri: string, prefix: string, dotfiles: boolean): SafePath | 400 | 404 {
  const end = uri.search(/[?#]/);
  const path = end < 0 ? uri : uri.slice(0, end);
  if (!path.startsWith(prefix)) return 404;
  const rest = path.slice(prefix.length);
  // A prefix of `/a` is none of `/ab`.
  if (rest !== "" && !rest.startsWith("/")) return 404;
  const raw = rest.split("/").slice(1);
  const folder = raw.at(-1) === "";
  if (folder) raw.pop();
  const segments: string[] = [];
  for (const part of raw) {
    let name: string;
    try {
      name = decodeURIComponent(part);
    } catch {
      return 400;
    }
    if (name.includes("\0")) return 400;
    if (name === "" || name === "." || name === ".." || /[/\\]/.test(name)) return 404;
    if (!dotfiles && name.startsWith(".") && name !== WELL_KNOWN) return 404;
    segments.push(name);
  }
  return { segments, folder };
}
