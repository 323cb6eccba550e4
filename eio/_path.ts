import { fileURLToPath } from "node:url";

export { basename, dirname, join } from "node:path";

/** The path that is meant; throws `TypeError` for what cannot be one. */
export function pathOf(path: string | URL, name = "path"): string {
  if (path instanceof URL) {
    if (path.protocol !== "file:") {
      throw new TypeError(`${name} must be a path or a file: URL: got '${path.href}'`);
    }
    return fileURLToPath(path);
  }
  if (typeof path !== "string") {
    throw new TypeError(`${name} must be a string or a file: URL: got ${typeof path}`);
  }
  if (path === "") throw new TypeError(`${name} must not be empty`);
  if (path.includes("\0")) throw new TypeError(`${name} must not hold a NUL character`);
  return path;
}

/** A path in a message: one line, whatever its name holds. */
export function quote(path: string): string {
  return `'${path.replace(/[\n\r]/g, (end) => end === "\n" ? "\\n" : "\\r")}'`;
}
