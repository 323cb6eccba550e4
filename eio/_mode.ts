/** How a file is to be opened; see {@linkcode open}. */
export type OpenMode =
  | "r"
  | "r+"
  | "w"
  | "w+"
  | "a"
  | "a+"
  | "x"
  | "x+"
  | "wx"
  | "wx+"
  | "w+x"
  | "ax"
  | "ax+"
  | "a+x"
  | "xw"
  | "xw+"
  | "xa"
  | "xa+"
  | "rb"
  | "rb+"
  | "r+b"
  | "wb"
  | "wb+"
  | "w+b"
  | "ab"
  | "ab+"
  | "a+b";

/** A mode, taken apart. */
export interface Access {
  mode: string;
  read: boolean;
  write: boolean;
  append: boolean;
  truncate: boolean;
  create: boolean;
  /** It must not exist yet. */
  fresh: boolean;
}

const MODES = /^(?:r\+?|[wa](?:\+?x?|x\+)|x(?:[wa]?\+?))$/;

/** Takes a mode apart; throws for what is none. C's `b` means nothing and may stand anywhere. */
export function accessOf(mode: OpenMode): Access {
  if (typeof mode !== "string") {
    throw new TypeError(`mode must be a string such as "r": got ${typeof mode}`);
  }
  const letters = mode.replace("b", "");
  if (!MODES.test(letters)) {
    throw new RangeError(`mode must be r, r+, w, w+, a, a+, or one with x: got "${mode}"`);
  }
  const has = (letter: string) => letters.includes(letter);
  const plus = has("+");
  const append = has("a");
  const fresh = has("x");
  return {
    mode,
    read: has("r") || plus,
    write: !has("r") || plus,
    append,
    truncate: !has("r") && !append && !fresh,
    create: !has("r"),
    fresh,
  };
}
