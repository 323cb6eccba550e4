/** What README.md tells a new user to do, done. Its programs run in `test --doc`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { configArgs } from "../tools/config.ts";

const readme = await Deno.readTextFile("README.md");
const config = JSON.parse(await Deno.readTextFile((await configArgs())[1] ?? "deno.json"));

/** The first block of a language. */
function block(language: string): string {
  const text = readme.match(new RegExp("```" + language + "\\n([\\s\\S]*?)```"))?.[1];
  if (text === undefined) throw new Error(`README.md has no ${language} block`);
  return text;
}

/** Runs a program in a folder of its own, whose `coevent` is this clone. */
async function runBeside(program: string, more: Record<string, string>): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.symlink(Deno.cwd(), `${folder}/coevent`);
    const { imports } = JSON.parse(block("json"));
    const map = { imports: { ...more, ...imports } };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(map));
    await Deno.writeTextFile(`${folder}/main.ts`, program);
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-lock", "--allow-net=127.0.0.1", "main.ts"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(decoder.decode(stderr));
    return decoder.decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the import-map line leads to the clone, and the program prints what it says", async () => {
  const program = block("ts").replace("@alilua/coevent/cosocket", "$&/mod.ts");
  assertEquals(await runBeside(program, {}), "timeout 3\nhello\n");
});

Deno.test("the root is imported through the same line, with the standard library beside it", async () => {
  const std = Object.entries<string>(config.imports).filter(([name]) => name.startsWith("@std/"));
  const program = `import L, { newthread, wait } from "@alilua/coevent";
    L(async () => console.log(await wait(newthread(() => "from a clone"))));`;
  assertEquals(await runBeside(program, Object.fromEntries(std)), '[ "from a clone", null ]\n');
});

Deno.test("every task that README.md and CONTRIBUTING.md name is there", async () => {
  const pages = readme + await Deno.readTextFile("CONTRIBUTING.md");
  const named = [...pages.matchAll(/deno(?:@[\d.]+)? task ([a-z:]+)/g)].map(([, name]) => name!);
  const { tasks } = JSON.parse(await Deno.readTextFile("deno.json"));
  assertEquals(named.filter((name) => !(name in tasks)), []);
  assertStringIncludes(readme, "npx -y deno@2.9.6 task demo");
});

Deno.test("every file that README.md links to is there", async () => {
  for (const [, path] of readme.matchAll(/\]\(([^)#:]+)\)/g)) await Deno.stat(path!);
});
