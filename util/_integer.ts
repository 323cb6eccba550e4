/** Whole numbers of 1 to 16 bytes in memory. */

/** Numbers of up to so many bytes are plain numbers, which are exact to 53 bits. */
const MOST_EXACT = 6;

/** Writes `value`, which fits, at `at`. */
export function writeInteger(
  memory: Uint8Array,
  at: number,
  size: number,
  little: boolean,
  value: number | bigint,
): void {
  const place = (i: number) => little ? at + i : at + size - 1 - i;
  if (size <= MOST_EXACT) {
    let rest = Number(value);
    if (rest < 0) rest += 2 ** (8 * size);
    for (let i = 0; i < size; i++) {
      memory[place(i)] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  } else {
    let rest = BigInt.asUintN(8 * size, BigInt(value));
    for (let i = 0; i < size; i++) {
      memory[place(i)] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }
}

/** Reads `size` bytes at `at`: a number, or a bigint where a number might not be exact. */
export function readInteger(
  memory: Uint8Array,
  at: number,
  size: number,
  little: boolean,
  signed: boolean,
): number | bigint {
  const place = (i: number) => little ? at + size - 1 - i : at + i;
  if (size <= MOST_EXACT) {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + memory[place(i)]!;
    return signed && value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
  }
  let value = 0n;
  for (let i = 0; i < size; i++) value = value << 8n | BigInt(memory[place(i)]!);
  return signed ? BigInt.asIntN(8 * size, value) : value;
}
