import { IoError, type Result } from "../core/mod.ts";
import type { FileLike } from "../stream/mod.ts";

/** A file in a form: aLiLua's `{ file, name, type }`. */
export interface FormFile {
  /** The content itself, or an open file (`eio.open`), which is read from its beginning. */
  file: string | Uint8Array | Blob | FileLike;
  /** What the file is called; empty by default. */
  name?: string;
  /** Its media type; `application/octet-stream` by default. */
  type?: string;
}

/** One value of a form. */
export type FormValue = string | number | boolean | FormFile;

/** A form by its names; a list gives a name several times. */
export type FormFields = Record<string, FormValue | readonly FormValue[]>;

/** A stretch of what is sent, with its length. */
export type Stretch =
  | { bytes: Uint8Array; size: number }
  | { blob: Blob; size: number }
  | { file: FileLike; size: number };

const encoder = new TextEncoder();

/** A stretch of text. */
export function textStretch(text: string): Stretch {
  return bytesStretch(encoder.encode(text));
}

/** A stretch of bytes. */
export function bytesStretch(bytes: Uint8Array): Stretch {
  return { bytes, size: bytes.length };
}

/** Whether this is an open file, or another thing that reads at an offset. */
export function isFileLike(value: unknown): value is FileLike {
  return typeof value === "object" && value !== null && "read" in value && "size" in value &&
    typeof value.read === "function" && typeof value.size === "function";
}

/** All of an open file, as long as it is now. */
export async function fileStretch(file: FileLike): Promise<Result<Stretch>> {
  const [size, err] = await file.size!();
  return err === null ? [{ file, size }, null] : [null, err];
}

/** The pairs of a form, in order. */
export function pairsOf(form: FormFields | FormData): [name: string, value: FormValue][] {
  if (form instanceof FormData) {
    return [...form].map(([name, value]) => [
      name,
      typeof value === "string" ? value : { file: value, name: value.name, type: value.type },
    ]);
  }
  return Object.entries(form).flatMap(([name, value]) => {
    const values = Array.isArray(value) ? value : [value];
    return values.map((one): [string, FormValue] => [name, checked(one, name)]);
  });
}

function checked(value: FormValue, name: string): FormValue {
  const kind = value === null ? "null" : typeof value;
  if (kind === "string" || kind === "number" || kind === "boolean") return value;
  if (kind === "object" && "file" in (value as FormFile)) return value;
  throw new TypeError(
    `form: '${name}' must be text, a number or { file, name, type }: got ${kind}`,
  );
}

/** A form with a file in it, which `multipart/form-data` is for. */
export function hasFile(pairs: [name: string, value: FormValue][]): boolean {
  return pairs.some(([, value]) => typeof value === "object");
}

/** A form as `multipart/form-data` (RFC 7578), and its media type. */
export async function multipartOf(
  pairs: [name: string, value: FormValue][],
): Promise<Result<{ type: string; stretches: Stretch[] }>> {
  // 128 random bits: no content holds it by chance.
  const boundary = `coevent-${crypto.getRandomValues(new Uint8Array(16)).toHex()}`;
  const stretches: Stretch[] = [];
  for (const [name, value] of pairs) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"`;
    if (typeof value !== "object") {
      stretches.push(textStretch(`${head}\r\n\r\n${value}\r\n`));
      continue;
    }
    const type = typeOf(value);
    const file = `; filename="${escaped(value.name ?? "")}"\r\nContent-Type: ${type}`;
    const [content, err] = await contentOf(value.file, name);
    if (err !== null) return [null, err];
    stretches.push(textStretch(`${head}${file}\r\n\r\n`), content, textStretch("\r\n"));
  }
  stretches.push(textStretch(`--${boundary}--\r\n`));
  return [{ type: `multipart/form-data; boundary=${boundary}`, stretches }, null];
}

async function contentOf(file: FormFile["file"], name: string): Promise<Result<Stretch>> {
  if (typeof file === "string") return [textStretch(file), null];
  if (file instanceof Uint8Array) return [bytesStretch(file), null];
  if (file instanceof Blob) return [{ blob: file, size: file.size }, null];
  if (isFileLike(file)) return await fileStretch(file);
  const got = file === null ? "null" : typeof file;
  throw new TypeError(`form: file of '${name}' must be text, bytes or an open file: got ${got}`);
}

/** A name between quotes, as browsers write it: it can begin no line of its own. */
function escaped(name: string): string {
  // No header may hold one: the other side would take the whole form for broken.
  if (name.includes("\0")) throw new TypeError("form: a name must hold no NUL");
  return name.replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/"/g, "%22");
}

function typeOf({ type, file }: FormFile): string {
  const given = type ?? (file instanceof Blob && file.type !== "" ? file.type : "");
  if (given === "") return "application/octet-stream";
  if (/^[\x20-\x7e]+$/.test(given)) return given;
  throw new TypeError(`form: type must be a media type: got ${JSON.stringify(given)}`);
}

/** What is left to read of a file has become less than was announced. */
export function shrunk(size: number, at: number): IoError {
  const words = `Cannot send a file: it ends at ${at} of the ${size} bytes that were announced`;
  return new IoError("eof", words);
}
