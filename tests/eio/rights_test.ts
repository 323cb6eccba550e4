/** Whose the file is that write_atomic() puts in the place of another. */
import { assertEquals } from "@std/assert";
import * as eio from "../../eio/mod.ts";
import { scratch } from "./scratch.ts";

const NOBODY = 65_534;

/** Only root may give files away. */
const ignore = Deno.build.os !== "linux" || Deno.uid() !== 0;

async function rightsOf(path: string): Promise<string> {
  const { uid, gid, mode } = await eio.unwrap(eio.stat(path));
  return `${uid}:${gid} ${mode!.toString(8)}`;
}

Deno.test({
  name: "write_atomic() keeps owner, group and mode, also bits that giving away takes",
  ignore,
  async fn() {
    await using folder = await scratch();
    const path = `${folder.path}/f`;
    await Deno.writeTextFile(path, "old");
    await Deno.chown(path, NOBODY, NOBODY);
    await Deno.chmod(path, 0o6640);
    assertEquals(await eio.write_atomic(path, "new"), [3, null]);
    assertEquals(await rightsOf(path), `${NOBODY}:${NOBODY} 6640`);
    assertEquals(await eio.write_atomic(path, "newer", { perm: 0o600 }), [5, null]);
    assertEquals(await rightsOf(path), `${NOBODY}:${NOBODY} 600`);
  },
});

Deno.test({
  name: "write_atomic() by one who may not give files away gives nobody more rights",
  ignore,
  async fn() {
    await using folder = await scratch();
    const work = `${folder.path}/work`;
    await Deno.mkdir(work);
    await Deno.chmod(folder.path, 0o755);
    await Deno.chown(work, NOBODY, NOBODY);
    const path = `${work}/f`;
    await Deno.writeTextFile(path, "old");
    await Deno.chmod(path, 0o6674);
    const module = new URL("../../eio/mod.ts", import.meta.url).href;
    const file = `${folder.path}/program.ts`;
    await Deno.writeTextFile(
      file,
      `import { write_atomic } from "${module}"; console.log(await write_atomic("${path}", "new"));`,
    );
    const cache = await Deno.makeTempDir();
    await Deno.chmod(cache, 0o777);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-config", "-A", file],
      uid: NOBODY,
      gid: NOBODY,
      env: { DENO_DIR: cache, HOME: cache, NO_COLOR: "1" },
      cwd: "/",
    }).output();
    await Deno.remove(cache, { recursive: true });
    const decoder = new TextDecoder();
    // The runtime itself may lie where only root can go.
    if (stdout.length === 0 && /Permission denied/.test(decoder.decode(stderr))) {
      return console.log("NOT RUN: another user cannot run the runtime here");
    }
    assertEquals(decoder.decode(stdout), "[ 3, null ]\n");
    assertEquals(await rightsOf(path), `${NOBODY}:${NOBODY} 644`);
  },
});
