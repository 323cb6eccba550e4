import { Buffer } from "node:buffer";
import {
  type Bytes,
  type Codec,
  decode,
  IoError,
  type ReadResult,
  wholeCharacters,
} from "../core/mod.ts";

/** What was read, as the encoding has it, and how many of its bytes that takes. */
export type Decoded = [result: ReadResult<Bytes | string>, consumed: number];

/**
 * Decodes what was read. Text that ends in the middle of a character is cut before it,
 * unless `final` says that nothing will follow; then it is `bad_text`.
 */
export function textOf(bytes: Bytes, codec: Codec, final: boolean): Decoded {
  const { data } = codec;
  if (data === "bytes") return [[bytes, null], bytes.length];
  const whole = data === "utf-8" && !final ? wholeCharacters(bytes) : bytes.length;
  if (whole === 0 && bytes.length > 0) {
    const words = `Cannot read ${bytes.length} bytes as text: the character there is longer`;
    return [[null, new IoError("bad_text", words)], 0];
  }
  const memory = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = decode(memory, 0, whole, data);
  return text instanceof IoError ? [[null, text], 0] : [[text, null], whole];
}
