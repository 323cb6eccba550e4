/**
 * Run by granted_test.ts under some permissions: makes the call that is named, in a folder made
 * for it, and prints what came of it.
 */
import { create } from "../context/mod.ts";
import { connect, listen } from "../cosocket/mod.ts";
import { copy, tmpfile, write_atomic } from "../eio/mod.ts";
import { client } from "../http/mod.ts";
import { open_logger } from "../log/mod.ts";

const [name = "", folder = "", url = ""] = Deno.args;

const CALLS: Record<string, () => unknown> = {
  "context.create": () => create(new URL(`file://${folder}/context.ts`)),
  "cosocket.connect": () => connect(`${folder}/nobody.sock`),
  "cosocket.listen": () => listen(`${folder}/sock`),
  "eio.copy": () => copy(`${folder}/file`, `${folder}/copy`),
  "eio.tmpfile": () => tmpfile(),
  "eio.tmpfile in a folder": () => tmpfile({ dir: folder }),
  "eio.write_atomic": () => write_atomic(`${folder}/file`, "new"),
  "eio.write_atomic, relative": () => write_atomic("a", "new"),
  "http.download": () => client().download(url, `${folder}/page`),
  "log.open_logger": () => open_logger({ path: `${folder}/log`, rotate: "1Kx2" }),
};

const [, err] = await CALLS[name]!() as [unknown, { code: string; message: string } | null];
console.log(err === null ? "done" : `${err.code} ${err.message}`);
Deno.exit(0);
