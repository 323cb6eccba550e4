import { type Encoding, fail, fromOs, IoError, ok, type Result } from "../core/mod.ts";
import { expectChild, expectNoChild } from "./_attached.ts";
import { Spawned } from "./_spawned.ts";
import type { Command, SpawnOptions, Stdio } from "./types.ts";

/** The name of a program stands in messages up to this length. */
const LONGEST_NAME = 60;

/** A program with its arguments, and what it is called in messages. */
export interface Program {
  file: string;
  args: string[];
  name: string;
  /** The arguments go to Windows as they are: they are a shell's text. */
  raw?: boolean;
}

/** Finds out what is to be run: through the shell, or not. */
export function programOf(command: Command, caller: string): Program {
  if (typeof command === "string") {
    if (command === "") throw new RangeError(`${caller} wants a command: got an empty text`);
    checkText(command, `${caller}: command`);
    const name = firstWord(command);
    return Deno.build.os === "windows"
      ? { file: "cmd", args: ["/d", "/s", "/c", `"${command}"`], name, raw: true }
      : { file: "sh", args: ["-c", command], name };
  }
  if (!Array.isArray(command)) {
    throw new TypeError(`${caller} wants text or a list of texts: got ${typeof command}`);
  }
  const [file, ...args] = command.map((word, at) => checkText(word, `${caller}: command[${at}]`));
  if (!file) throw new RangeError(`${caller} wants a program: got an empty list or name`);
  // Not its arguments: one of them may be a secret, and messages end up in logs.
  return { file, args, name: shorten(file) };
}

/**
 * What a shell's text is called: its program, or the variable that it sets first. Not the
 * rest: that may hold a secret as the arguments of a list may.
 */
function firstWord(command: string): string {
  const text = command.trim();
  const [word = ""] = /^(?:\w+=|[^\s;&|<>()`$'"\\]+)/.exec(text) ?? [];
  if (word === text) return shorten(word);
  const name = shorten(word);
  return word === "" || word.endsWith("=") ? `${name}...` : `${name} ...`;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= LONGEST_NAME ? line : `${line.slice(0, LONGEST_NAME - 3)}...`;
}

/** Throws unless `text` can be handed to a program; gives it back. */
export function checkText(text: unknown, name: string): string {
  if (typeof text !== "string") throw new TypeError(`${name} must be text: got ${typeof text}`);
  if (text.includes("\0")) throw new TypeError(`${name} must not hold a NUL: no program gets it`);
  return text;
}

/** Starts a program. */
export function spawn<E extends Encoding>(
  program: Program,
  options: SpawnOptions<E>,
): Result<Spawned<E>> {
  const { stdin = "null", stdout = "inherit", stderr = "inherit" } = options;
  for (const [name, kind] of Object.entries({ stdin, stdout, stderr })) checkStdio(kind, name);
  const { file, args, name, raw = false } = bind(program, options.cpu);
  const { cwd, env, clear_env = false, uid, gid } = options;
  const action = `Cannot start ${name}`;
  const attached = options.detached !== true;
  if (attached && !expectChild()) {
    return fail(new IoError("cancelled", `${action}: the program ends`));
  }
  try {
    const process = new Deno.Command(file, {
      args,
      stdin,
      stdout,
      stderr,
      clearEnv: clear_env,
      windowsRawArguments: raw,
      // Its own group: so that it can be ended with all that it has started.
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env: checkEnv(env) }),
      ...(uid === undefined ? {} : { uid: checkId(uid, "uid") }),
      ...(gid === undefined ? {} : { gid: checkId(gid, "gid") }),
    }).spawn();
    return ok(new Spawned(process, name, { ...options, stdin, stdout, stderr }));
  } catch (error) {
    if (attached) expectNoChild();
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    const err = fromOs(error, action);
    if (options.cpu !== undefined && err.code === "not_found" && !/\bcwd\b/.test(err.message)) {
      const words = `${action}: cpu needs taskset of Linux's util-linux, which is not installed`;
      return fail(new IoError("unsupported", words, { cause: error }));
    }
    return fail(err);
  }
}

/** Puts `taskset` before a program, which then becomes it, with the same process id. */
function bind(program: Program, cpu: SpawnOptions["cpu"]): Program {
  if (cpu === undefined) return program;
  const cpus = typeof cpu === "number" ? [cpu] : cpu;
  if (!Array.isArray(cpus)) {
    throw new TypeError(`cpu must be a number or a list of them: got ${typeof cpu}`);
  }
  if (cpus.length === 0) throw new RangeError("cpu must name at least one processor: got none");
  for (const number of cpus) checkId(number, "cpu");
  const { file, args, name } = program;
  return { file: "taskset", args: ["-c", cpus.join(","), file, ...args], name };
}

function checkId(id: number, name: string): number {
  if (typeof id !== "number") throw new TypeError(`${name} must be a number: got ${typeof id}`);
  if (!Number.isInteger(id) || id < 0) {
    throw new RangeError(`${name} must be a whole number from 0: got ${id}`);
  }
  return id;
}

function checkStdio(kind: Stdio, name: string): void {
  if (kind === "piped" || kind === "inherit" || kind === "null") return;
  throw new TypeError(`${name} must be "piped", "inherit" or "null": got ${JSON.stringify(kind)}`);
}

function checkEnv(env: Record<string, string>): Record<string, string> {
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || /[=\0]/.test(name)) {
      const shown = name.replace(/[=\0][^]*/, "");
      throw new TypeError(`env: a variable's name holds no = and no NUL: got '${shown}...'`);
    }
    checkText(value, `env.${name}`);
  }
  return env;
}
