import { assertEquals, assertThrows } from "@std/assert";
import { escape, hex_encode } from "../../util/mod.ts";
import { find, peerTest, Running } from "../peers.ts";
import { HOSTILE_TEXTS, someBytes } from "./bytes.ts";

Deno.test("escape() puts a backslash before nine characters, and leaves all others", () => {
  const every = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  const changed = every.filter((character) => escape(character) !== character);
  assertEquals(changed.join(""), "\0\b\t\n\r\x1a\"'\\");
  assertEquals(escape("\0\b\t\n\r\x1a\"'\\"), "\\0\\b\\t\\n\\r\\Z\\\"\\'\\\\");
  assertEquals(escape(Uint8Array.of(0x27, 0xff, 0)), Uint8Array.of(0x5c, 0x27, 0xff, 0x5c, 0x30));
  assertThrows(() => escape(1 as unknown as string), TypeError, "escape: value");
});

/** A database server of our own on a Unix socket, until it is disposed. */
async function mariadb(path: string): Promise<AsyncDisposable & { socket: string }> {
  const folder = await Deno.makeTempDir();
  const data = `${folder}/data`;
  const root = Deno.uid() === 0 ? ["--user=root"] : [];
  const install = new Deno.Command(find("mariadb-install-db")!, {
    args: [`--datadir=${data}`, "--auth-root-authentication-method=normal", ...root],
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await install.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const socket = `${folder}/socket`;
  const server = new Running(path, [
    ...["--no-defaults", `--datadir=${data}`, `--socket=${socket}`, "--skip-networking"],
    ...["--innodb-buffer-pool-size=16M", "--skip-grant-tables", ...root],
  ]);
  let ended = false;
  const end = server.status.then(() => ended = true);
  while (!server.output.includes("ready for connections")) {
    if (ended) {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
      throw new Error(`mariadbd has ended: ${server.output}`);
    }
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  return {
    socket,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

peerTest("escape() brings every byte and hostile strings through a real MariaDB unchanged", [
  "mariadbd",
  "mariadb-install-db",
  "mariadb",
], async (paths) => {
  await using server = await mariadb(paths.mariadbd);
  const encoder = new TextEncoder();
  const every = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
  const values: (string | Uint8Array<ArrayBuffer>)[] = [
    ...every,
    Uint8Array.from({ length: 256 }, (_, byte) => byte),
    ...HOSTILE_TEXTS,
    ...HOSTILE_TEXTS.map((text) => encoder.encode(text)),
    ...someBytes(100, 5),
  ];
  for (const quote of ["'", '"']) {
    const parts = values.flatMap((value) => [
      encoder.encode(`SELECT HEX(CAST(${quote}`),
      typeof value === "string" ? escape(value) : escape(value),
      encoder.encode(`${quote} AS BINARY));\n`),
    ]);
    const child = new Deno.Command(paths.mariadb, {
      args: [
        "--no-defaults",
        `--socket=${server.socket}`,
        "--batch",
        "--skip-column-names",
        "--binary-mode",
        "--default-character-set=binary",
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.output();
    await new Blob(parts).stream().pipeTo(child.stdin);
    const { stdout, stderr } = await output;
    assertEquals(new TextDecoder().decode(stderr), "");
    const rows = new TextDecoder().decode(stdout).split("\n").slice(0, -1);
    assertEquals(rows, values.map((value) => hex_encode(value).toUpperCase()));
  }
});
