/** What README.md tells a new user to do, done. Its programs run in `test --doc`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { configArgs } from "../tools/config.ts";

const readme = await Deno.readTextFile("README.md");
const config = await Deno.readTextFile((await configArgs())[1] ?? "deno.json");

/** The first block of a language. */
function block(language: string): string {
  const text = readme.match(new RegExp("```" + language + "\\n([\\s\\S]*?)```"))?.[1];
  if (text === undefined) throw new Error(`README.md has no ${language} block`);
  return text;
}

/** Runs a program in a folder of its own, whose `coevent` is this clone. */
async function runBeside(program: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/coevent`);
    for (const { name } of Deno.readDirSync(".")) {
      if (name === "deno.json" || name.startsWith(".")) continue;
      await Deno.symlink(`${Deno.cwd()}/${name}`, `${folder}/coevent/${name}`);
    }
    // The clone brings its own, which here is the one that works here.
    await Deno.writeTextFile(`${folder}/coevent/deno.json`, config);
    await Deno.writeTextFile(`${folder}/deno.json`, block("json"));
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

Deno.test("the link leads to the clone, and the program prints what it says", async () => {
  assertEquals(await runBeside(block("ts")), "timeout 3\nhello\n");
});

Deno.test("the root is imported through the same link", async () => {
  const program = `import L, { md5, newthread, wait } from "@alilua/coevent";
    L(async () => console.log(await wait(newthread(() => md5("from a clone")))));`;
  assertEquals(await runBeside(program), '[ "e07ae18252edaad7a0e0c79ceb639d9d", null ]\n');
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
