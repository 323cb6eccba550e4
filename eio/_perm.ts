/** Access modes of new files, directories and `chmod`. */

/** What one means with octal digits in mind and forgets the `0o`. */
const LOOKALIKES = new Set([600, 640, 644, 660, 664, 666, 700, 711, 744, 750, 755, 770, 775, 777]);

/** The rights of a new file, before the umask takes some: aLiLua's. */
export const NEW_FILE = 0o644;

/** How access rights are given: the number itself (`0o644`), or octal digits (`"644"`). */
export type Perm = number | string;

/** The number that `perm` means; throws for what means none. */
export function permOf(perm: Perm, name: string): number {
  if (typeof perm === "string") {
    if (!/^[0-7]{1,5}$/.test(perm) || parseInt(perm, 8) > 0o7777) {
      throw new RangeError(`${name} must be octal digits up to "7777": got "${perm}"`);
    }
    return parseInt(perm, 8);
  }
  if (typeof perm !== "number") {
    throw new TypeError(`${name} must be a number or octal digits: got ${typeof perm}`);
  }
  if (LOOKALIKES.has(perm)) {
    throw new RangeError(`${name} ${perm} is decimal: write 0o${perm} or "${perm}"`);
  }
  if (!Number.isInteger(perm) || perm < 0 || perm > 0o7777) {
    throw new RangeError(`${name} must be 0 to 0o7777: got ${perm}`);
  }
  return perm;
}
