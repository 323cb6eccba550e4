/**
 * `deno task fuzz`: every parser and codec with inputs that nobody has seen, for a minute in
 * all, or `--minutes=10`. A word narrows it down to the targets whose names hold it:
 * `deno task fuzz --minutes=10 frames`. What fails prints its input and the command that
 * shows it again; in `tests/fuzz/corpus.json` it is tried for ever after.
 */
import { runTests } from "./run_tests.ts";

/** What the arguments ask for; throws for what cannot be asked. */
export function askedFor(args: string[]): { minutes: number; filter: string[] } {
  let minutes = 1;
  const words: string[] = [];
  for (const arg of args) {
    const [, given] = /^--minutes=(.*)$/.exec(arg) ?? [];
    if (given === undefined) {
      if (arg.startsWith("-")) throw new RangeError(`fuzz knows no flag ${arg}`);
      words.push(arg);
    } else minutes = Number(given);
  }
  if (!(minutes > 0)) throw new RangeError("--minutes wants a number above 0");
  return { minutes, filter: words.length === 0 ? [] : [`--filter=${words.join(" ")}`] };
}

if (import.meta.main) {
  const { minutes, filter } = askedFor(Deno.args);
  const { good } = await runTests([[...filter, "tests/fuzz"]], { COEVENT_FUZZ: String(minutes) });
  Deno.exit(good ? 0 : 1);
}
