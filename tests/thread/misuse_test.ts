import { assertThrows } from "@std/assert";
import { deadline, retry, scope, shield, startloop } from "../../thread/mod.ts";

const misuse: [what: string, call: () => unknown, kind: typeof TypeError, words: string][] = [
  ["startloop", () => startloop("x" as never), TypeError, "startloop wants a function: got string"],
  ["scope", () => scope(1 as never), TypeError, "scope wants a function: got number"],
  ["deadline", () => deadline(5, undefined as never), TypeError, "deadline wants a function"],
  ["shield", () => shield(5, {} as never), TypeError, "shield wants a function: got object"],
  [
    "retry",
    () => retry(() => 1, { delay: "5" as never }),
    TypeError,
    "retry: delay must be a number: got string",
  ],
];

for (const [what, call, kind, words] of misuse) {
  Deno.test(`${what}() says what it wants when it gets something else`, () => {
    assertThrows(call, kind, words);
  });
}
