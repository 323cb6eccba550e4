import { IoError } from "../core/mod.ts";
import type { Fields } from "./types.ts";

/** A message, and a field of JSON, is cut here, in characters: no line is the place for a body. */
const LONGEST = 64 * 1024;

/**
 * What may not stand in a line: control characters, which would begin another line or
 * command the terminal of who reads it, the line ends of Unicode, and what turns the
 * direction of text. TAB may: it separates the arguments.
 */
// deno-lint-ignore no-control-regex -- they are what is looked for
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\b": "\\b" };

/** Makes a text fit for one line. */
export function oneLine(text: string): string {
  const short = cut(text);
  return short.search(UNSAFE) < 0 ? short : short.replace(UNSAFE, escape);
}

function cut(text: string): string {
  const more = text.length - LONGEST;
  return more <= 0 ? text : `${text.slice(0, LONGEST)}... (${more} more characters)`;
}

function escape(char: string): string {
  const code = char.charCodeAt(0);
  return SHORT[char] ??
    (code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`);
}

/** The text of a call's arguments: the first flattened if it is a list, then TABs between. */
export function textOf(args: unknown[]): string {
  return args.map((arg, at) => at === 0 && Array.isArray(arg) ? joined(arg) : shown(arg))
    .join("\t");
}

/** A list without anything between its elements, as aLiLua prints a table. */
function joined(list: unknown[]): string {
  try {
    return list.flat(Infinity).map(shown).join("");
  } catch {
    // A list that contains itself has no end to flatten.
    return shown({ list });
  }
}

/** Any value as text; never throws. */
export function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof IoError) return String(value);
  if (typeof value !== "object" && typeof value !== "function") return String(value);
  try {
    return Deno.inspect(value, { colors: false, breakLength: Infinity, compact: true });
  } catch (error) {
    return `(a value that cannot be shown: ${error instanceof Error ? error.name : typeof error})`;
  }
}

/** Fields behind a text: ` user=7 path="/a b"`. */
export function fieldsAsText(fields: Fields): string {
  let text = "";
  for (const [name, value] of Object.entries(fields)) {
    const word = shown(value);
    text += ` ${bare(name)}=${bare(word)}`;
  }
  return text;
}

/** A word as it is, or in quotes if it would be taken for more than one. */
function bare(word: string): string {
  return /^[^\s"=\\]+$/.test(word) ? word : JSON.stringify(word);
}

/** What every JSON line has by itself; a field of that name gets `field_` before it. */
const TAKEN = new Set(["time", "level", "pid", "at", "msg"]);

/**
 * Message and fields as members of a JSON object: `"msg":"hello","user":7`. JSON escapes
 * control characters in a way of its own, from which the text can be had back.
 */
export function fieldsAsJson(message: string, fields: Fields): string {
  let text = `"msg":${JSON.stringify(cut(message))}`;
  for (const [name, value] of Object.entries(fields)) {
    let member = valueAsJson(value);
    if (member === undefined) continue;
    // What is too long is cut as the text that it is, or would be.
    if (member.length > LONGEST) {
      member = JSON.stringify(cut(typeof value === "string" ? value : member));
    }
    text += `,${JSON.stringify(TAKEN.has(name) ? `field_${name}` : name)}:${member}`;
  }
  // What JSON leaves as it is, though it ends a line or turns it round for some readers.
  return text.replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function valueAsJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, member) => {
      if (typeof member === "bigint") return member.toString();
      if (member instanceof IoError) return { code: member.code, message: member.message };
      if (member instanceof Error) {
        return { name: member.name, message: member.message, stack: member.stack };
      }
      return member;
    });
  } catch {
    // It contains itself, or its toJSON throws.
    return JSON.stringify(shown(value));
  }
}
