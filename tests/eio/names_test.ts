import { assert, assertEquals, assertThrows } from "@std/assert";
import * as eio from "../../eio/mod.ts";
import { unwrap } from "../../eio/mod.ts";
import { scratch } from "./scratch.ts";

/** Names that programs trip over. */
const NAMES = [
  "plain",
  "with spaces",
  "ümläut €",
  "new\nline",
  "-dash",
  "'quote\"",
  "a".repeat(255),
];

Deno.test("every call takes names with spaces, line feeds, UTF-8 and of full length", async () => {
  await using folder = await scratch();
  for (const name of NAMES) {
    const path = `${folder.path}/${name}`;
    assertEquals(await eio.writefile(path, name), [new TextEncoder().encode(name).length, null]);
    assertEquals(await eio.readfile(path, { encoding: "utf-8" }), [name, null]);
    assertEquals(await eio.isfile(path), [true, null]);
    assertEquals(await eio.readlink(path).then(([, err]) => err?.errno), "EINVAL");
  }
  assertEquals((await unwrap(eio.readdir(folder.path))).toSorted(), NAMES.toSorted());
  for (const name of NAMES) assertEquals(await eio.unlink(`${folder.path}/${name}`), [true, null]);
  assertEquals(await eio.readdir(folder.path), [[], null]);
});

/** Each call on a path that is missing, is a directory, is a file, or leads in a circle. */
const CALLS: Record<
  string,
  [call: (path: string) => Promise<[unknown, unknown]>, codes: string[]]
> = {
  stat: [(path) => eio.stat(path), ["not_found", "", "", "io"]],
  lstat: [(path) => eio.lstat(path), ["not_found", "", "", ""]],
  open: [(path) => eio.open(path).then(closed), ["not_found", "is_dir", "", "io"]],
  readfile: [(path) => eio.readfile(path), ["not_found", "is_dir", "", "io"]],
  readdir: [(path) => eio.readdir(path), ["not_found", "", "not_dir", "io"]],
  chmod: [(path) => eio.chmod(path, 0o700), ["not_found", "", "", "io"]],
  utime: [(path) => eio.utime(path, 1, 2), ["not_found", "", "", "io"]],
  realpath: [(path) => eio.realpath(path), ["not_found", "", "", "io"]],
  mkdir: [(path) => eio.mkdir(`${path}/x`), ["not_found", "", "not_dir", "io"]],
  rmdir: [(path) => eio.rmdir(path), ["not_found", "not_empty", "not_dir", "not_dir"]],
  unlink: [(path) => eio.unlink(path), ["not_found", "is_dir", "", ""]],
};

async function closed<T extends eio.FileHandle>(
  [file, err]: [T, null] | [null, eio.IoError],
): Promise<[unknown, eio.IoError | null]> {
  await file?.close();
  return [file, err];
}

for (const [name, [call, codes]] of Object.entries(CALLS)) {
  Deno.test(`${name}() says what is wrong with what is missing, a directory, a file, a circle`, async () => {
    await using folder = await scratch();
    const paths = ["missing", "folder", "file", "circle"].map((one) => `${folder.path}/${one}`);
    await Deno.mkdir(`${paths[1]}/inner`, { recursive: true });
    await Deno.writeTextFile(paths[2]!, "text");
    await Deno.symlink("circle", paths[3]!);
    const got: string[] = [];
    for (const path of paths) got.push(((await call(path))[1] as eio.IoError | null)?.code ?? "");
    assertEquals(got, codes);
  });
}

Deno.test("stat() tells all that the system does, lstat() of the link itself", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await eio.writefile(path, "12345", { perm: 0o640 });
  await eio.utime(path, 1_000_000_000.5, 1_100_000_000);
  await eio.symlink("f", `${folder.path}/l`);
  const stat = await unwrap(eio.stat(`${folder.path}/l`));
  assertEquals([stat.type, stat.size, stat.mode! & 0o777, stat.nlink], ["file", 5, 0o640, 1]);
  assertEquals([Math.floor(stat.access!), stat.modification], [1_000_000_000, 1_100_000_000]);
  assertEquals((await unwrap(eio.lstat(`${folder.path}/l`))).type, "link");
  assertEquals((await unwrap(eio.stat("/dev/null"))).type, "char device");
  await new Deno.Command("mkfifo", { args: [`${folder.path}/p`] }).output();
  assertEquals((await unwrap(eio.stat(`${folder.path}/p`))).type, "named pipe");
});

Deno.test("isdir(), isfile() and exists() take a missing path for an answer, no error", async () => {
  await using folder = await scratch();
  await eio.writefile(`${folder.path}/f`, "");
  const table: [path: string, isdir: boolean, isfile: boolean, exists: string | false][] = [
    [folder.path, true, false, "dir"],
    [`${folder.path}/f`, false, true, "file"],
    [`${folder.path}/none`, false, false, false],
    [`${folder.path}/f/below`, false, false, false],
    ["/dev/null", false, false, "file"],
  ];
  for (const [path, isdir, isfile, exists] of table) {
    const got = await Promise.all([eio.isdir(path), eio.isfile(path), eio.exists(path)]);
    assertEquals<unknown>(got, [[isdir, null], [isfile, null], [exists, null]], path);
  }
  await Deno.symlink("circle", `${folder.path}/circle`);
  assertEquals((await eio.exists(`${folder.path}/circle`))[1]?.code, "io");
});

Deno.test("mkdir() makes one level, mkdirp() all, with their rights", async () => {
  await using folder = await scratch();
  assertEquals((await eio.mkdir(`${folder.path}/a/b`))[1]?.code, "not_found");
  assertEquals(await eio.mkdirp(`${folder.path}/a/b/c`, "750"), [true, null]);
  assertEquals(await eio.mkdirp(`${folder.path}/a/b/c`), [true, null]);
  assertEquals((await unwrap(eio.stat(`${folder.path}/a/b/c`))).mode! & 0o777, 0o750);
  assertEquals((await eio.mkdir(`${folder.path}/a`))[1]?.code, "exists");
  assertEquals(await eio.mkdir(`${folder.path}/own`), [true, null]);
  assertEquals((await unwrap(eio.stat(`${folder.path}/own`))).mode! & 0o777, 0o700);
  assertThrows(() => eio.mkdir("x", 755), RangeError, 'perm 755 is decimal: write 0o755 or "755"');
  await eio.writefile(`${folder.path}/f`, "");
  const [, err] = await eio.mkdirp(`${folder.path}/f/x`);
  assertEquals(err?.code, "not_dir");
});

Deno.test("link(), symlink(), readlink(), realpath() and rename() do as POSIX says", async () => {
  await using folder = await scratch();
  const at = (name: string) => `${folder.path}/${name}`;
  await eio.writefile(at("f"), "text");
  assertEquals(await eio.link(at("f"), at("hard")), [true, null]);
  assertEquals((await unwrap(eio.stat(at("f")))).nlink, 2);
  assertEquals(await eio.symlink("f", at("soft")), [true, null]);
  assertEquals(await eio.readlink(at("soft")), ["f", null]);
  assertEquals(await eio.realpath(at("soft")), [await Deno.realPath(at("f")), null]);
  assertEquals((await eio.symlink("f", at("soft")))[1]?.code, "exists");
  assertEquals((await eio.link(at("none"), at("x")))[1]?.code, "not_found");
  await eio.writefile(at("target"), "old");
  assertEquals(await eio.rename(at("f"), at("target")), [true, null]);
  assertEquals(await eio.readfile(at("target"), { encoding: "utf-8" }), ["text", null]);
  await eio.mkdir(at("full"));
  await eio.writefile(at("full/x"), "");
  await eio.mkdir(at("other"));
  assertEquals((await eio.rename(at("other"), at("full")))[1]?.code, "not_empty");
  assertEquals((await eio.rename(at("none"), at("x")))[1]?.code, "not_found");
});

Deno.test({
  name: "chown() takes names and ids, and says which name is unknown",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  async fn() {
    await using folder = await scratch();
    const path = `${folder.path}/f`;
    await eio.writefile(path, "");
    assertEquals(await eio.chown(path, "nobody", 12_345), [true, null]);
    const nobody = await unwrap(eio.stat(path));
    assertEquals([nobody.uid! > 0, nobody.gid], [true, 12_345]);
    assertEquals(await eio.chown(path, 77), [true, null]);
    const stat = await unwrap(eio.stat(path));
    assertEquals([stat.uid, stat.gid], [77, 12_345]);
    assertEquals(await eio.chown(path, null, "root"), [true, null]);
    assertEquals((await unwrap(eio.stat(path))).gid, 0);
    const [, err] = await eio.chown(path, "no such user");
    assertEquals(err?.code, "not_found");
    assert(err!.message.includes("no such user"), err!.message);
  },
});

Deno.test({
  name: "who may not is told denied",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  async fn() {
    await using folder = await scratch();
    await Deno.chmod(folder.path, 0o755);
    const path = `${folder.path}/secret`;
    await eio.writefile(path, "x", { perm: 0o600 });
    // Root may everything: somebody else has to try.
    const module = new URL("../../eio/mod.ts", import.meta.url).href;
    const program = `import * as eio from "${module}";
      const codes = [];
      for (const call of [() => eio.open("${path}"), () => eio.writefile("${path}", "y"),
        () => eio.unlink("${path}"), () => eio.mkdir("${folder.path}/x"),
        () => eio.chmod("${path}", 0o777), () => eio.chown("${path}", 0)]) {
        codes.push((await call())[1]?.code);
      }
      console.log(codes.join(" "));`;
    const file = `${folder.path}/program.ts`;
    await Deno.writeTextFile(file, program);
    const cache = await Deno.makeTempDir();
    await Deno.chmod(cache, 0o777);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-config", "-A", file],
      uid: 65_534,
      gid: 65_534,
      env: { DENO_DIR: cache, HOME: cache, NO_COLOR: "1" },
      cwd: "/",
    });
    const { stdout, stderr } = await command.output();
    await Deno.remove(cache, { recursive: true });
    const said = new TextDecoder().decode(stdout).trim();
    // The runtime itself may lie where only root can go.
    if (said === "" && /Permission denied/.test(new TextDecoder().decode(stderr))) {
      return console.log("NOT RUN: another user cannot run the runtime here");
    }
    assertEquals(said, "denied denied denied denied denied denied");
  },
});

Deno.test("walk() gives everything below, in order, and follows links only when told to", async () => {
  await using folder = await scratch();
  for (const path of ["b/d", "a", "b/e/f"]) await eio.mkdirp(`${folder.path}/${path}`);
  await eio.writefile(`${folder.path}/b/file`, "");
  await eio.symlink("..", `${folder.path}/b/up`);
  const walked = async (options?: eio.WalkOptions) => {
    const found: string[] = [];
    for await (const { path, type, depth } of eio.walk(folder.path, options)) {
      found.push(`${depth} ${type} ${path.slice(folder.path.length + 1)}`);
    }
    return found;
  };
  const all = [
    "1 directory a",
    "1 directory b",
    "2 directory b/d",
    "2 directory b/e",
    "3 directory b/e/f",
    "2 file b/file",
    "2 link b/up",
  ];
  assertEquals(await walked(), all);
  assertEquals(await walked({ max_depth: 1 }), ["1 directory a", "1 directory b"]);
  // The circle ends: each directory is entered once.
  assertEquals(await walked({ follow: true }), all);
  let code = "";
  try {
    for await (const _ of eio.walk(`${folder.path}/none`));
  } catch (error) {
    code = (error as eio.IoError).code;
  }
  assertEquals(code, "not_found");
  assertThrows(() => eio.walk(".", { max_depth: 0 }), RangeError, "max_depth");
});
