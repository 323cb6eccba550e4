import { assertEquals } from "@std/assert";
import { entries, filesBelow } from "../tools/project.ts";
import { directoryOf, faultsOf, layersOf, resolve, specifiersIn } from "./architecture.ts";

/** What each entry's graph may hold, beside its own directory and core. */
const MAY_LOAD: Record<string, string[]> = {
  ".": ["cosocket", "stream", "thread"],
  "./cosocket": ["stream"],
  "./stream": [],
  "./thread": [],
};

/** The entries whose graph may hold a `jsr:` import, and say so. */
const MAY_USE_JSR = new Set<string>([".", "./util"]);

const layers = layersOf(await Deno.readTextFile("docs/architecture.md"));
const directories = layers.flat().filter((name) => name !== "mod.ts");

async function sources(): Promise<string[]> {
  const below = await Promise.all(directories.map((name) => filesBelow(name, ".ts")));
  const root = ["mod.ts", "_compat.ts"].filter((file) => {
    try {
      return Deno.statSync(file).isFile;
    } catch {
      return false;
    }
  });
  return [...root, ...below.flat()];
}

Deno.test("every import goes down a layer, through the other directory's mod.ts", async () => {
  const files = await sources();
  const imports = [];
  for (const from of files) {
    for (const specifier of specifiersIn(await Deno.readTextFile(from))) {
      if (specifier.startsWith(".")) imports.push({ from, to: resolve(from, specifier) });
    }
  }
  assertEquals(faultsOf(layers, imports), []);
  assertEquals(imports.length > 50, true, "the imports were not found");
});

Deno.test("every directory with an entry stands in a layer, and the other way round", async () => {
  const named = (await entries()).map(({ name }) => name === "." ? "mod.ts" : name.slice(2));
  assertEquals(layers.flat().filter((name) => name !== "core").sort(), named.sort());
});

/** The files and outside specifiers of an entry's graph. */
async function graphOf(file: string): Promise<{ files: string[]; outside: string[] }> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", file],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string; local?: string; dependencies?: Dependency[] }[];
  };
  interface Dependency {
    specifier: string;
  }
  const root = `file://${Deno.cwd()}/`;
  const local = modules.filter((module) => module.specifier.startsWith(root));
  const named = local.flatMap((module) => module.dependencies ?? []).map((one) => one.specifier);
  return {
    files: local.map((module) => module.specifier.slice(root.length)),
    outside: [...new Set(named)].filter((specifier) => !specifier.startsWith(".")),
  };
}

for (const { name, file } of await entries()) {
  Deno.test(`the graph of '${name}' holds no directory that it does not need`, async () => {
    const { files } = await graphOf(file);
    const own = name === "." ? "mod.ts" : name.slice(2);
    const allowed = new Set([own, "core", ...(MAY_LOAD[name] ?? [])]);
    const loaded = new Set(files.map(directoryOf));
    assertEquals([...loaded].filter((directory) => !allowed.has(directory)), []);
    assertEquals(loaded.has("core"), true);
  });

  if (!MAY_USE_JSR.has(name)) {
    Deno.test(`the graph of '${name}' has no jsr: import`, async () => {
      const { outside } = await graphOf(file);
      assertEquals(outside.filter((one) => /^(jsr:|@std\/)/.test(one)), []);
    });
  }
}

const small = [["mod.ts"], ["top"], ["left", "right"], ["log"], ["core"]];
const breaches: [from: string, to: string, fault: string | null][] = [
  ["top/a.ts", "left/mod.ts", null],
  ["mod.ts", "top/mod.ts", null],
  ["_compat.ts", "top/mod.ts", null],
  ["left/a.ts", "left/_b.ts", null],
  ["left/a.ts", "core/mod.ts", null],
  ["left/a.ts", "top/mod.ts", "upward"],
  ["left/a.ts", "right/mod.ts", "sideways"],
  ["top/a.ts", "left/a.ts", "past the directory's mod.ts"],
  ["top/a.ts", "left/_a.ts", "private to its directory"],
  ["top/a.ts", "log/mod.ts", "no module imports log"],
  ["top/a.ts", "else/mod.ts", "'else' stands in no layer"],
  ["else/a.ts", "core/mod.ts", "'else' stands in no layer"],
];

for (const [from, to, fault] of breaches) {
  Deno.test(`the layer rules ${fault ? `catch: ${from} to ${to}` : `allow: ${from} to ${to}`}`, () => {
    const expected = fault === null ? [] : [`${from} imports ${to}: ${fault}`];
    assertEquals(faultsOf(small, [{ from, to }]), expected);
  });
}

Deno.test("specifiersIn() finds imports, re-exports, types and dynamic imports, not comments", () => {
  const source = [
    'import { a } from "./a.ts";',
    "import {\n  b,\n  type C,\n} from './b.ts';",
    'export * from "./c.ts";',
    'export type { D } from "./d.ts";',
    'const e = await import("./e.ts");',
    'import "./f.ts";',
    '// import { x } from "./x.ts";',
    '/* export * from "./y.ts"; */',
  ].join("\n");
  assertEquals(specifiersIn(source).sort(), [
    "./a.ts",
    "./b.ts",
    "./c.ts",
    "./d.ts",
    "./e.ts",
    "./f.ts",
  ]);
});
