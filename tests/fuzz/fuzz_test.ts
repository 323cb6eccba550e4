/**
 * Every parser and codec over many inputs: first those of the corpus, then new ones, the same
 * ones in each run, so that a run says the same on every machine.
 *
 * `deno task fuzz --minutes=10` goes on for ten minutes with inputs that nobody has seen (it
 * sets `COEVENT_FUZZ`). What fails prints its input; in tests/fuzz/corpus.json it is tried for ever after.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { size, sizes } from "../sizes.ts";
import { BODY_TARGETS } from "./body_targets.ts";
import { CODEC_TARGETS } from "./codec_targets.ts";
import { FILE_TARGETS } from "./file_targets.ts";
import { HTTP_TARGETS } from "./http_targets.ts";
import { NAME_TARGETS } from "./name_targets.ts";
import { RECEIVE_TARGETS } from "./receive_targets.ts";
import { STREAM_TARGETS } from "./stream_targets.ts";
import { type Target, target } from "./target.ts";
import { askedFor } from "../../tools/fuzz.ts";

const TARGETS = [
  ...CODEC_TARGETS,
  ...STREAM_TARGETS,
  ...RECEIVE_TARGETS,
  ...FILE_TARGETS,
  ...NAME_TARGETS,
  ...HTTP_TARGETS,
  ...BODY_TARGETS,
];

/** So many inputs between two looks at the clock, where it counts minutes. */
const BATCH = 200;

const minutes = Number(Deno.env.get("COEVENT_FUZZ") ?? 0);
const given = Deno.env.get("COEVENT_SEED");

type Corpus = Record<string, unknown[]>;
const corpus: Corpus = JSON.parse(await Deno.readTextFile("tests/fuzz/corpus.json"));

const title = (name: string) => `fuzz: ${name}`;

/** Tries an input that was bad once. */
async function again({ name, holds }: Target, input: unknown): Promise<void> {
  try {
    await holds(input);
  } catch (cause) {
    throw new Error(`${name}: ${JSON.stringify(input)} of the corpus fails`, { cause });
  }
}

/** Runs a target with inputs of one seed. */
async function fuzz({ name, inputs, holds }: Target, seed: number, count: number): Promise<void> {
  const property = fc.asyncProperty(inputs, async (input) => await holds(input));
  const { failed, counterexample, errorInstance } = await fc.check(property, {
    seed,
    numRuns: count,
  });
  if (!failed) return;
  const input = JSON.stringify(counterexample?.[0]);
  // As many inputs as here: the one that fails may be the last of them.
  const task = { quick: "test", full: "test:full", soak: "soak" }[minutes > 0 ? "quick" : size];
  const replay = `COEVENT_SEED=${seed} deno task ${task} tests/fuzz "--filter=${title(name)}"`;
  const words = `${name}: ${input} fails; replay it with: ${replay}`;
  throw new Error(words, { cause: errorInstance });
}

for (const one of TARGETS) {
  Deno.test(title(one.name), async () => {
    for (const input of corpus[one.name] ?? []) await again(one, input);
    const seed = given === undefined ? 1 : Number(given);
    if (minutes === 0) return await fuzz(one, seed, sizes.fuzzRuns);
    const until = performance.now() + minutes * 60_000 / TARGETS.length;
    let next = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
    do await fuzz(one, next++, BATCH); while (performance.now() < until);
  });
}

Deno.test("the corpus holds inputs for targets that are there, some for each", () => {
  const names = TARGETS.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  assertEquals(Object.keys(corpus).sort(), names.toSorted());
  for (const [name, inputs] of Object.entries(corpus)) assert(inputs.length > 0, name);
});

Deno.test("fuzz finds what is broken, shows the input, and how to see it again", async () => {
  const broken = target("broken", fc.nat(1_000), (n) => assert(n < 700));
  const error = await assertRejects(() => fuzz(broken, 1, 1_000), Error);
  const task = size === "quick" ? "test" : size === "full" ? "test:full" : "soak";
  assertEquals(
    error.message,
    `broken: 700 fails; replay it with: COEVENT_SEED=1 deno task ${task} tests/fuzz ` +
      '"--filter=fuzz: broken"',
  );
});

Deno.test("the corpus is tried: an input that fails is shown", async () => {
  const broken = target("broken", fc.nat(), (n) => assert(n < 700));
  const error = await assertRejects(() => again(broken, 700), Error);
  assertEquals(error.message, "broken: 700 of the corpus fails");
});

Deno.test("deno task fuzz takes minutes and words, and nothing else", () => {
  assertEquals(askedFor([]), { minutes: 1, filter: [] });
  assertEquals(askedFor(["--minutes=0.5", "frames", "out"]), {
    minutes: 0.5,
    filter: ["--filter=frames out"],
  });
  for (const wrong of ["--minutes=0", "--minutes=x", "--minute=3", "-m"]) {
    assertThrows(() => askedFor([wrong]), RangeError);
  }
});
