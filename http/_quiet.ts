/**
 * Deno has one way to say that a client has gone before its answer: the request's signal.
 * It aborts that signal after a good answer too, and warns, once a program, whoever has
 * looked at it, for the day when it stops doing so. We do not listen any more by then, so
 * the warning is of no use to the program's user: it is held back, and only it.
 */

const WARNING = "Deno.serve: request.signal aborts on successful responses";

let armed = false;

/** Called before the first look at a request's signal. */
export function holdWarningBack(): void {
  if (armed) return;
  armed = true;
  const { warn } = console;
  const filter = (...words: unknown[]): void => {
    if (typeof words[0] !== "string" || !words[0].startsWith(WARNING)) {
      return void warn.apply(console, words);
    }
    // It comes once. Whoever has put a function of his own over ours meanwhile keeps it.
    if (console.warn === filter) console.warn = warn;
  };
  console.warn = filter;
}
