/**
 * Who imports whom: held to the layer block of docs/architecture.md and to the tables
 * below. Do not change a table to make a build pass; each row is a promise to users.
 */
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { importsOf } from "../tools/graph.ts";
import { entries, readConfig, sources } from "../tools/project.ts";
import {
  directoryOf,
  type Import,
  jsrImportsIn,
  layerFaults,
  layersOf,
  outsideImportsOf,
  strangersIn,
} from "./architecture.ts";

/** What each entry's graph may hold, beside its own directory and core. */
const MAY_LOAD: Record<string, string[]> = {
  ".": [
    "context",
    "cosocket",
    "eio",
    "http",
    "log",
    "process",
    "stream",
    "system",
    "thread",
    "util",
    "websocket",
  ],
  "./context": ["cosocket", "stream", "thread"],
  "./cosocket": ["stream", "thread"],
  "./eio": ["stream"],
  "./http": ["cosocket", "eio", "process", "stream", "thread"],
  "./log": [],
  "./process": ["stream", "thread"],
  "./stream": [],
  "./system": [],
  "./thread": [],
  "./util": [],
  "./websocket": ["thread"],
};

/** The entries whose graph may hold a `jsr:` import, and say so in their module doc. */
const MAY_USE_JSR = new Set([".", "./util"]);

const layers = layersOf(await Deno.readTextFile("docs/architecture.md"));
const files = await sources();
const imports = await importsOf(files);

Deno.test("every import goes down a layer, through the other directory's mod.ts", () => {
  assertEquals(layerFaults(layers, imports), []);
  assert(imports.length > files.length, "the imports were not found");
});

Deno.test("core imports nothing but itself and node:", () => {
  assertEquals(outsideImportsOf("core", imports), []);
});

/** Modules under way, which have no entry until they are whole. The list only shrinks. */
const NOT_YET = new Set<string>();

Deno.test("every directory stands in a layer and, but for core, has an entry and is published", async () => {
  const directories = [...new Set(files.map(directoryOf))].sort();
  const { exports, publish } = await readConfig();
  const named = Object.keys(exports).map((name) => name === "." ? "mod.ts" : name.slice(2));
  assertEquals(directories.filter((name) => !layers.flat().includes(name)), []);
  assertEquals(directories.filter((name) => name !== "core" && !NOT_YET.has(name)), named.sort());
  assertEquals(["core", ...named].filter((name) => !publish.include.includes(name)), []);
});

for (const { name, file } of await entries()) {
  const start = file.replace("./", "");

  Deno.test(`the graph of '${name}' holds no directory that it does not need`, () => {
    const allowed = MAY_LOAD[name];
    if (allowed === undefined) throw new Error(`'${name}' needs a row in MAY_LOAD`);
    assertEquals(strangersIn(start, imports, ["core", ...allowed]), []);
  });

  if (MAY_USE_JSR.has(name)) continue;
  Deno.test(`the graph of '${name}' has no jsr: import`, () => {
    assertEquals(jsrImportsIn(start, imports), []);
  });
}

// From here on, the rules themselves: each is seen to fail on a tree made for it.

const small = layersOf("```text\nmod.ts\ntop  ...\nleft  right\nlog\ncore\n```");

Deno.test("layersOf() reads rows, leaves dots out, and throws where there is no block", () => {
  assertEquals(small, [["mod.ts"], ["top"], ["left", "right"], ["log"], ["core"]]);
  assertThrows(() => layersOf("# Architecture\n"), Error, "no layer block");
});

const rules: [from: string, to: string, fault: string | null][] = [
  ["top/a.ts", "left/mod.ts", null],
  ["mod.ts", "top/mod.ts", null],
  ["mod.ts", "log/mod.ts", null],
  ["_compat.ts", "top/mod.ts", null],
  ["mod.ts", "_compat.ts", null],
  ["left/a.ts", "left/_b.ts", null],
  ["left/a.ts", "core/mod.ts", null],
  ["left/a.ts", "node:buffer", null],
  ["left/a.ts", "@std/path", null],
  ["left/a.ts", "top/mod.ts", "upward"],
  ["left/a.ts", "mod.ts", "upward"],
  ["left/a.ts", "right/mod.ts", "sideways"],
  ["top/a.ts", "left/a.ts", "past the directory's mod.ts"],
  ["top/a.ts", "core/error.ts", "past the directory's mod.ts"],
  ["top/a.ts", "left/_a.ts", "private to its directory"],
  ["top/a.ts", "log/mod.ts", "no module imports log"],
  ["top/a.ts", "else/mod.ts", "'else' stands in no layer"],
  ["else/a.ts", "core/mod.ts", "'else' stands in no layer"],
];

for (const [from, to, fault] of rules) {
  Deno.test(`the layer rules ${fault === null ? "allow" : "refuse"} ${from} to import ${to}`, () => {
    const expected = fault === null ? [] : [`${from} imports ${to}: ${fault}`];
    assertEquals(layerFaults(small, [{ from, to }]), expected);
  });
}

const tree: Import[] = [
  { from: "top/mod.ts", to: "top/a.ts" },
  { from: "top/a.ts", to: "left/mod.ts" },
  { from: "left/mod.ts", to: "left/b.ts" },
  { from: "left/b.ts", to: "core/mod.ts" },
  { from: "left/b.ts", to: "@std/path" },
  { from: "right/mod.ts", to: "core/mod.ts" },
  { from: "core/mod.ts", to: "node:buffer" },
];

Deno.test("strangersIn() finds a directory however far away it is, and none that is allowed", () => {
  assertEquals(strangersIn("top/mod.ts", tree, ["left"]), ["core"]);
  assertEquals(strangersIn("top/mod.ts", tree, ["left", "core"]), []);
  assertEquals(strangersIn("right/mod.ts", tree, []), ["core"]);
});

Deno.test("jsrImportsIn() finds an import of JSR through others, and names who has it", () => {
  assertEquals(jsrImportsIn("top/mod.ts", tree), ["left/b.ts imports @std/path"]);
  assertEquals(jsrImportsIn("right/mod.ts", tree), []);
  const written = [{ from: "right/mod.ts", to: "jsr:@std/path@1" }];
  assertEquals(jsrImportsIn("right/mod.ts", written), ["right/mod.ts imports jsr:@std/path@1"]);
});

Deno.test("outsideImportsOf() finds what leads out of a directory, but for node:", () => {
  assertEquals(outsideImportsOf("core", tree), []);
  assertEquals(outsideImportsOf("left", tree), [
    "left/b.ts imports @std/path",
    "left/b.ts imports core/mod.ts",
  ]);
});

Deno.test("importsOf() finds imports, re-exports, types and dynamic imports", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const lines = [
      'import { a } from "./a.ts";',
      'export * from "./b.ts";',
      'import type { C } from "./c.ts";',
      'const d = await import("./d.ts");',
      'import { join } from "@std/path";',
      'import { Buffer } from "node:buffer";',
      '// import { x } from "./x.ts";',
    ];
    await Deno.writeTextFile(`${folder}/start.ts`, lines.join("\n"));
    for (const name of ["a", "b", "c", "d"]) await Deno.writeTextFile(`${folder}/${name}.ts`, "");
    const found = await importsOf(["start.ts"], `${pathToFileURL(folder).href}/`);
    assertEquals(found.map(({ from }) => from), found.map(() => "start.ts"));
    assertEquals(found.map(({ to }) => to).sort(), [
      "@std/path",
      "a.ts",
      "b.ts",
      "c.ts",
      "d.ts",
      "node:buffer",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
