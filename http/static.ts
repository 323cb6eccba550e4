import { IoError } from "../core/mod.ts";
import { type FileStat, open, realpath, stat } from "../eio/mod.ts";
import type { FileLike } from "../stream/mod.ts";
import { kindOf } from "./_check.ts";
import { conditionOf, rangeOf, type Validators } from "./_conditional.ts";
import { typeOf } from "./_media_types.ts";
import { safePath } from "./_safe_path.ts";
import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";
import { status_text } from "./status.ts";
import type { RequestHandler } from "./types.ts";

/** Up to here a file is read in one step, and leaves as one. */
const SMALL = 64 * 1024;

/** What {@linkcode serve_static} takes beside the root. */
export interface StaticOptions {
  /** What stands in front of the path and is no part of it: `/assets`. */
  prefix?: string;
  /** The file that stands for a folder; `index.html` by default, `null` for none. */
  index?: string | null;
  /** Whether names that begin with a dot are served; off by default, but for `.well-known`. */
  dotfiles?: boolean;
  /** A `Cache-Control` for every file: `max-age=3600`. */
  cache_control?: string;
  /** Types by ending that are to be others, or are missing: `{ glb: "model/gltf-binary" }`. */
  types?: Record<string, string>;
}

/** A file that was found, and what is known of it. */
interface Found {
  path: string;
  info: FileStat;
}

/**
 * Makes a handler that serves the files below a folder, and no other.
 *
 * It answers `GET` and `HEAD` (else 405), single ranges (206, 416), conditional requests
 * (304, 412; `ETag` and `Last-Modified` are those of the file), and leads from a folder to
 * its `index.html`. A path that leads out of the root is 404, in whatever escaping, also
 * through a symbolic link; links within the root are followed. What cannot be read is 403.
 * Whoever may write into the root must be trusted: between the look at a path and its
 * opening, a folder could become a link.
 *
 * Requires `--allow-read` for the root, for a relative one of the working directory too.
 *
 * @example Usage
 * ```ts
 * import * as http from "@alilua/coevent/http";
 *
 * const root = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${root}/hello.txt`, "hello\n");
 * await using server = await http.unwrap(http.listen("127.0.0.1", 0, http.static(root)));
 * const response = await fetch(`http://127.0.0.1:${server.port}/hello.txt`);
 * console.log(response.headers.get("content-type"), await response.text());
 * ```
 */
export function serve_static(root: string, options: StaticOptions = {}): RequestHandler {
  if (typeof root !== "string" || root === "") {
    throw new TypeError(`static wants a folder: got ${root === "" ? '""' : kindOf(root)}`);
  }
  const { index = "index.html", dotfiles = false, cache_control } = options;
  const prefix = (options.prefix ?? "").replace(/\/+$/, "");
  if (prefix !== "" && !prefix.startsWith("/")) {
    throw new TypeError(`static: prefix must begin with a slash: got '${options.prefix}'`);
  }
  const types = new Map(Object.entries(options.types ?? {}));

  return async (req, res) => {
    const { method } = req;
    if (method !== "GET" && method !== "HEAD") {
      res.headers.set("allow", "GET, HEAD");
      return refuse(res, 405);
    }
    const asked = safePath(req.uri, prefix, dotfiles);
    if (typeof asked === "number") return refuse(res, asked);
    const [found, err] = await find(root, asked.segments);
    if (err !== null) return refuse(res, statusOf(err));
    if (found.info.type === "directory") {
      if (index === null) return refuse(res, 404);
      if (!asked.folder) {
        const path = asked.segments.map((name) => `/${encodeURIComponent(name)}`).join("");
        const query = req.uri.indexOf("?");
        return res.redirect(`${prefix}${path}/${query < 0 ? "" : req.uri.slice(query)}`, 301);
      }
      const [page, pageErr] = await find(root, [...asked.segments, index]);
      if (pageErr !== null) return refuse(res, statusOf(pageErr));
      return await send(req, res, page);
    }
    // A file has nothing below it.
    if (asked.folder) return refuse(res, 404);
    return await send(req, res, found);
  };

  async function send(req: HttpRequest, res: HttpResponse, { path, info }: Found): Promise<void> {
    if (info.type !== "file") return refuse(res, 404);
    const { headers } = res;
    const validators = validatorsOf(info);
    headers.set("etag", validators.etag);
    headers.set("last-modified", new Date(validators.modified * 1_000).toUTCString());
    if (cache_control !== undefined) headers.set("cache-control", cache_control);
    const condition = conditionOf(req.headers, validators);
    if (condition === 412) return refuse(res, 412);
    if (condition === 304) return void (res.status = 304);
    const ending = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
    headers.set("content-type", types.get(ending) ?? typeOf(path));
    headers.set("x-content-type-options", "nosniff");
    headers.set("accept-ranges", "bytes");
    // A range is asked for with GET only.
    const range = req.method === "GET" ? rangeOf(req.headers, info.size, validators) : null;
    if (range === false) {
      headers.set("content-range", `bytes */${info.size}`);
      return refuse(res, 416);
    }
    const { first, last } = range ?? { first: 0, last: info.size - 1 };
    res.status = range === null ? 200 : 206;
    if (range !== null) headers.set("content-range", `bytes ${first}-${last}/${info.size}`);
    await deliver(req, res, path, first, last + 1 - first);
  }
}

/** Hands over the bytes of a file, as one where they are few. */
async function deliver(
  req: HttpRequest,
  res: HttpResponse,
  path: string,
  offset: number,
  count: number,
): Promise<void> {
  if (req.method === "HEAD") return res.promise(count);
  const [file, err] = await open(path, "r", { encoding: "bytes" });
  if (err !== null) return refuse(res, statusOf(err));
  try {
    if (count > SMALL) {
      await res.sendfile(file as FileLike, offset, count);
      return;
    }
    const [bytes, readErr] = count === 0 ? [null, null] : await file.read(count, offset);
    if (readErr !== null) return refuse(res, statusOf(readErr));
    res.give(bytes ?? new Uint8Array(0));
  } finally {
    await file.close();
  }
}

/** Follows a path to where it really leads, which must be below the root. */
async function find(root: string, segments: string[]): Promise<[Found, null] | [null, IoError]> {
  const [top, rootErr] = await realpath(root);
  // A root that is not there is no missing page.
  if (rootErr !== null) throw rootErr;
  const [path, err] = await realpath([top, ...segments].join("/"));
  if (err !== null) return [null, err];
  const below = top.endsWith("/") ? top : `${top}/`;
  if (path !== top && !path.startsWith(below)) {
    return [null, new IoError("not_found", `Cannot serve '${path}': it is not below '${top}'`)];
  }
  const [info, statErr] = await stat(path);
  return statErr === null ? [{ path, info }, null] : [null, statErr];
}

/** The tag is of the size and the moment of the last change, as nginx makes it. */
function validatorsOf({ size, modification }: FileStat): Validators {
  const time = Math.round((modification ?? 0) * 1_000);
  const etag = `"${time.toString(16)}-${size.toString(16)}"`;
  return { etag, modified: Math.floor(time / 1_000) };
}

/** A missing permission of ours is no fault of the client: it is thrown, and reported. */
function statusOf(err: IoError): number {
  switch (err.code) {
    case "not_found":
    case "not_dir":
    case "too_long":
      return 404;
    case "denied":
      return 403;
    default:
      // A link that leads round.
      if (err.errno === "ELOOP") return 404;
      throw err;
  }
}

function refuse(res: HttpResponse, status: number): void {
  res.status = status;
  res.headers.set("content-type", "text/plain;charset=UTF-8");
  res.add(`${status_text(status)}\n`);
}
