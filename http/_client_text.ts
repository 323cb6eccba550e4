import { type Bytes, IoError, type Result } from "../core/mod.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Decodes a body by the charset that its type names, UTF-8 where it names none. */
export function textOf(bytes: Bytes, type: string | null, what: string): Result<string> {
  const label = charsetOf(type);
  let decoder: TextDecoder;
  try {
    decoder = label === "utf-8" ? utf8 : new TextDecoder(label, { fatal: true });
  } catch (cause) {
    const words = `Cannot decode the body of ${what}: nobody knows the charset '${label}'`;
    return [null, new IoError("unsupported", words, { cause })];
  }
  try {
    return [decoder.decode(bytes), null];
  } catch (cause) {
    const words = `Cannot decode the body of ${what}: it is not ${decoder.encoding}`;
    return [null, new IoError("bad_text", words, { cause })];
  }
}

/** `text/html; charset="GBK"` names gbk. */
function charsetOf(type: string | null): string {
  const named = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(type ?? "");
  return (named?.[1] ?? named?.[2] ?? "utf-8").toLowerCase();
}
