/** What a system seldom says, brought about here each time: the runtime's calls are stood in for. */
import { assertEquals, assertRejects } from "@std/assert";
import { Device } from "../../eio/_device.ts";
import { accessOf } from "../../eio/_mode.ts";
import { giveRights } from "../../eio/_rights.ts";
import * as eio from "../../eio/mod.ts";
import { onSystem } from "../other_system.ts";
import { scratch } from "./scratch.ts";

const UNIX = { ignore: Deno.build.os === "windows" };

type Refused = "chown" | "chmod" | "remove";

/** Runs `body` while a call of the runtime fails. */
async function failing<T>(name: Refused, error: Error, body: () => Promise<T>): Promise<T> {
  const original = Deno[name];
  Object.assign(Deno, { [name]: () => Promise.reject(error) });
  try {
    return await body();
  } finally {
    Object.assign(Deno, { [name]: original });
  }
}

const withCode = (code: string) => Object.assign(new Error(code), { code });

async function modeOf(path: string): Promise<string> {
  return (await eio.unwrap(eio.stat(path))).mode!.toString(8);
}

Deno.test(
  "who cannot give a file its owner and group gives nobody more rights with it",
  UNIX,
  async () => {
    await using folder = await scratch();
    const path = `${folder.path}/f`;
    for (const error of [new Deno.errors.PermissionDenied("no"), withCode("EINVAL")]) {
      await Deno.writeTextFile(path, "");
      const { uid, gid } = await Deno.stat(path);
      const cases: [rights: { uid: number | null; gid: number | null }, mode: string][] = [
        // As it is, or nobody cares: nothing has to be given.
        [{ uid, gid }, "6674"],
        [{ uid: null, gid: null }, "6674"],
        [{ uid: uid! + 1, gid }, "2674"],
        // Another group has what others have.
        [{ uid, gid: gid! + 1 }, "4644"],
        [{ uid: uid! + 1, gid: gid! + 1 }, "644"],
      ];
      for (const [rights, mode] of cases) {
        await failing("chown", error, () => giveRights(path, { ...rights, mode: 0o6674 }));
        assertEquals(await modeOf(path), mode);
      }
    }
  },
);

Deno.test(
  "write_atomic() that cannot give the new file its rights leaves the old one",
  UNIX,
  async () => {
    await using folder = await scratch();
    const path = `${folder.path}/f`;
    await Deno.writeTextFile(path, "old");
    const { gid, uid } = await Deno.stat(path);
    const broken = withCode("EIO");
    await failing("chown", broken, async () => {
      const given = () => giveRights(path, { uid, gid: gid! + 1, mode: 0o644 });
      assertEquals(await assertRejects(given), broken);
    });
    const denied = new Deno.errors.PermissionDenied("no");
    const [, err] = await failing("chmod", denied, () => eio.write_atomic(path, "new"));
    assertEquals(err?.code, "denied");
    assertEquals(await Deno.readTextFile(path), "old");
    assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["f"]);
  },
);

Deno.test(
  "write_atomic() takes no harm from a file system that syncs no folders",
  UNIX,
  async () => {
    await using folder = await scratch();
    const path = `${folder.path}/f`;
    const original = Deno.FsFile.prototype.sync;
    for (const [code, said] of [["EINVAL", undefined], ["EIO", "io"]] as const) {
      let calls = 0;
      Deno.FsFile.prototype.sync = function () {
        // The file itself comes first.
        return ++calls === 1 ? original.call(this) : Promise.reject(withCode(code));
      };
      try {
        assertEquals((await eio.write_atomic(path, code))[1]?.code, said);
      } finally {
        Deno.FsFile.prototype.sync = original;
      }
      assertEquals([calls, await Deno.readTextFile(path)], [2, code]);
    }
  },
);

Deno.test("write_atomic() on Windows gives no rights and opens no folder, which fails there", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await Deno.writeTextFile(path, "old");
  const { chown, chmod, open } = Deno;
  const calls: string[] = [];
  const said = (what: string) => (path: string | URL) => {
    calls.push(`${what} ${path}`);
    return Promise.reject(new Deno.errors.NotSupported(what));
  };
  Object.assign(Deno, {
    chown: said("chown"),
    chmod: said("chmod"),
    open: (path: string, options: Deno.OpenOptions) =>
      path === folder.path ? said("open")(path) : open(path, options),
  });
  try {
    const written = await onSystem("windows", () => eio.write_atomic(path, "new"));
    assertEquals([calls, written], [[], [3, null]]);
  } finally {
    Object.assign(Deno, { chown, chmod, open });
  }
  assertEquals(await Deno.readTextFile(path), "new");
});

Deno.test(
  "tmpfile() whose name cannot be removed gives why, and leaves no descriptor",
  UNIX,
  async () => {
    await using folder = await scratch();
    const denied = new Deno.errors.PermissionDenied("no");
    const dir = folder.path;
    const [, err] = await failing("remove", denied, () => eio.tmpfile({ dir }));
    // A descriptor would be told by the test's own look at resources.
    assertEquals(err?.code, "denied");
  },
);

Deno.test("tmpfile() that is given up while it is opened leaves neither file nor descriptor", async () => {
  await using folder = await scratch();
  const { open, remove } = Deno;
  const opening = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const removed = Promise.withResolvers<void>();
  Object.assign(Deno, {
    open: async (path: string, options: Deno.OpenOptions) => {
      opening.resolve();
      await goOn.promise;
      return await open(path, options);
    },
    remove: async (path: string) => {
      await remove(path);
      removed.resolve();
    },
  });
  try {
    const abort = new AbortController();
    const made = eio.tmpfile({ dir: folder.path, signal: abort.signal });
    await opening.promise;
    abort.abort();
    assertEquals((await made)[1]?.code, "cancelled");
    goOn.resolve();
    await removed.promise;
  } finally {
    Object.assign(Deno, { open, remove });
  }
  assertEquals([...Deno.readDirSync(folder.path)], []);
});

Deno.test(
  "a device that answers EIO, as a terminal whose other side has gone, has ended",
  { ignore: Deno.build.os !== "linux" },
  async () => {
    // Nothing is mapped at the beginning of our memory: the kernel says EIO for it.
    const device = await Device.open("/proc/self/mem", accessOf("r"), false, {
      gone: false,
      onGone: null,
    });
    assertEquals(await device.read(new Uint8Array(10)), null);
    await device.close();
  },
);
