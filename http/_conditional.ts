/** What a client has already, and which part it wants: RFC 9110, chapters 13 and 14. */

/** What tells one state of a file from another. */
export interface Validators {
  etag: string;
  /** Seconds since 1970, whole. */
  modified: number;
}

/** A part of a file, both ends included. */
export interface Range {
  first: number;
  last: number;
}

/** The status that the conditions of a request lead to, in the order of RFC 9110, 13.2.2. */
export function conditionOf(headers: Headers, { etag, modified }: Validators): 200 | 304 | 412 {
  const match = headers.get("if-match");
  if (match !== null) {
    if (!lists(match, etag, true)) return 412;
  } else {
    const since = dateOf(headers.get("if-unmodified-since"));
    if (since !== null && modified > since) return 412;
  }
  const none = headers.get("if-none-match");
  if (none !== null) return lists(none, etag, false) ? 304 : 200;
  const since = dateOf(headers.get("if-modified-since"));
  return since !== null && modified <= since ? 304 : 200;
}

/**
 * The part that is asked for: `null` for the whole, also where the header is none or names
 * several parts, which a server may ignore; `false` for one that is not there.
 */
export function rangeOf(
  headers: Headers,
  size: number,
  { etag, modified }: Validators,
): Range | null | false {
  const asked = /^bytes=(\d*)-(\d*)$/i.exec(headers.get("range")?.replace(/\s/g, "") ?? "");
  if (asked === null) return null;
  const only = headers.get("if-range");
  if (only !== null) {
    const same = /^(W\/)?"/.test(only) ? only === etag : dateOf(only) === modified;
    if (!same) return null;
  }
  const [, from = "", to = ""] = asked;
  if (from === "") {
    if (to === "") return null;
    const count = Math.min(Number(to), size);
    return count === 0 ? false : { first: size - count, last: size - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return null;
  if (first >= size) return false;
  return { first, last: to === "" ? size - 1 : Math.min(Number(to), size - 1) };
}

/** Whether a list of tags holds one; a weak one is equal only where that is enough. */
function lists(list: string, etag: string, strongly: boolean): boolean {
  if (list.trim() === "*") return true;
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag === etag || (!strongly && tag === `W/${etag}`));
}

/** A date as seconds; `null` where it is none. */
function dateOf(text: string | null): number | null {
  const time = text === null ? NaN : Date.parse(text);
  return Number.isNaN(time) ? null : Math.floor(time / 1_000);
}
