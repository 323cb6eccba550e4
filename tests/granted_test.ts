/** Who grants what the errors name, flag after flag, gets there, and soon. */
import { assertEquals } from "@std/assert";
import { resolve } from "node:path";
import { configArgs } from "../tools/config.ts";

/** For each call, what errors name one after the other; `$` is its folder, `.` the package. */
const FLAGS: Record<string, string[]> = {
  "context.create": ["read=.", "read=$/context.ts"],
  "cosocket.connect": ["read=$/nobody.sock", "write=$/nobody.sock", "net=unix:$/nobody.sock"],
  "cosocket.listen": ["read=$/sock", "write=$/sock", "net=unix:$/sock"],
  "eio.copy": ["read=$/file", "read=$/copy", "write=$/copy"],
  // The runtime makes temporary files only for who may write everywhere.
  "eio.tmpfile": ["write", "read=TMP"],
  "eio.tmpfile in a folder": ["write=$", "read=$"],
  "eio.write_atomic": ["read=$", "write=$"],
  "eio.write_atomic, relative": ["read=$", "write=$"],
  "http.download": ["write=$", "read=$"],
  "log.open_logger": ["read=$", "write=$"],
};

/** Each call runs in a folder of its own. */
const config = (await configArgs()).map((arg) => arg.startsWith("-") ? arg : resolve(arg));
const program = `${Deno.cwd()}/tests/granted.ts`;

/** Makes the call until nothing more is asked for, and gives what was. */
async function follow(name: string, url: string): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  const home = folder.slice(0, folder.lastIndexOf("/"));
  const given = [`--allow-net=${new URL(url).host}`];
  const asked: string[] = [];
  try {
    await Deno.writeTextFile(`${folder}/file`, "old");
    await Deno.writeTextFile(`${folder}/context.ts`, "export default () => {};");
    for (;;) {
      const args = ["run", "--no-prompt", "--quiet", ...config, ...given, program];
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args, name, folder, url],
        cwd: folder,
        env: { NO_COLOR: "1" },
      }).output();
      const said = new TextDecoder().decode(stdout).trim();
      const flag = /^no_permission .* needs (--allow-[a-z]+(?:=.+)?)$/.exec(said)?.[1];
      if (flag === undefined) return said === "" ? [new TextDecoder().decode(stderr)] : asked;
      if (given.includes(flag)) return [...asked, `${flag}, which it has`];
      given.push(flag);
      const [kind, target] = flag.slice("--allow-".length).split(/=(.*)/);
      const shown = target?.replace(folder, "$").replace(/^\.$/, "$")
        .replace(Deno.cwd(), ".").replace(home, "TMP");
      asked.push(shown === undefined ? kind! : `${kind}=${shown}`);
      if (asked.length > 5) return asked;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "the flags that errors name, granted one after the other, are all that a call needs",
  // Elsewhere some of the calls ask in another order.
  ignore: Deno.build.os !== "linux",
}, async () => {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using server = Deno.serve(options, () => new Response("a page"));
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const found: Record<string, string[]> = {};
  for (const name of Object.keys(FLAGS)) found[name] = await follow(name, url);
  assertEquals(found, FLAGS);
});
