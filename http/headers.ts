import { checkName, checkValue } from "./_check.ts";

/** What the only field of most responses is called. */
const TYPE = "content-type";

/** How `new Response` takes headers fastest: none, a single type, or pairs. */
export type Fields = undefined | { "content-type": string } | [string, string][];

/**
 * The header of a response, by names in any case.
 *
 * A name or value that could slip a line of its own into the response (CR, LF, NUL, a
 * character beyond U+00FF, a space in a name) throws `TypeError` and changes nothing.
 * `transfer-encoding` and `trailer` are the server's, and refused as well. `date`,
 * `content-length` and, for text, `content-type` come by themselves where they are not set.
 *
 * @example Usage
 * ```ts
 * import { ResponseHeaders } from "@alilua/coevent/http";
 *
 * const headers = new ResponseHeaders();
 * headers.set("Content-Type", "text/css");
 * headers.append("vary", "accept");
 * console.log(headers.get("content-type"), [...headers].length); // text/css 2
 * ```
 */
export class ResponseHeaders implements Iterable<[name: string, value: string]> {
  #fields: [string, string][] = [];
  #sealed = false;

  /** Sets a field, in place of all of that name. Numbers are written as decimal text. */
  set(name: string, value: string | number): void {
    const key = this.#key(name, "headers.set");
    const text = checkValue(value, key, "headers.set");
    const at = this.#fields.findIndex(([one]) => one === key);
    if (at < 0) {
      this.#fields.push([key, text]);
      return;
    }
    this.#fields = this.#fields.filter(([one], index) => one !== key || index === at);
    this.#fields[at] = [key, text];
  }

  /** Adds a field beside those of that name. */
  append(name: string, value: string | number): void {
    const key = this.#key(name, "headers.append");
    this.#fields.push([key, checkValue(value, key, "headers.append")]);
  }

  /** The value of a field; several of that name are joined by commas; `null` without any. */
  get(name: string): string | null {
    const key = name.toLowerCase();
    const values = this.#fields.filter(([one]) => one === key).map(([, value]) => value);
    return values.length === 0 ? null : values.join(", ");
  }

  /** Whether there is a field of that name. */
  has(name: string): boolean {
    const key = name.toLowerCase();
    return this.#fields.some(([one]) => one === key);
  }

  /** Takes all fields of that name out. */
  delete(name: string): void {
    const key = this.#key(name, "headers.delete");
    this.#fields = this.#fields.filter(([one]) => one !== key);
  }

  /** All fields in order, names in lower case. */
  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.#fields.values();
  }

  /**
   * The head has gone out: a change would come too late.
   *
   * @internal
   */
  seal(): void {
    this.#sealed = true;
  }

  /**
   * The fields as the runtime takes them.
   *
   * @internal
   */
  fields(): Fields {
    const { length } = this.#fields;
    if (length === 0) return undefined;
    const [name, value] = this.#fields[0]!;
    if (length === 1 && name === TYPE) return { "content-type": value };
    return this.#fields;
  }

  #key(name: string, caller: string): string {
    if (this.#sealed) throw new TypeError(`${caller}: the head has gone out already`);
    return checkName(name, caller);
  }
}
