import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { bind } from "../../cosocket/mod.ts";
import { peerTest } from "../peers.ts";

const CHILD = new URL("./bind_child.ts", import.meta.url).pathname;
const encode = (text: string) => new TextEncoder().encode(text);

/** The command that runs one of the programs, without any permission. */
function command(program: string, stdin: "piped" | "null" = "piped"): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", CHILD, program],
    stdin,
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  });
}

/** A child that is talked to, line by line. */
class Child {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #errors: Promise<string>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(command: Deno.Command) {
    this.#process = command.spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#reader = this.#process.stdout.getReader();
    this.#errors = new Response(this.#process.stderr).text();
  }

  write(data: string | Uint8Array): Promise<void> {
    return this.#writer.write(typeof data === "string" ? encode(data) : data);
  }

  /** Its next line; `null` at the end. */
  async line(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      const { value } = await this.#reader.read();
      if (value === undefined) return null;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Waits for its end while its input is open; one that does not end by itself is killed. */
  async ends(): Promise<void> {
    const stuck = setTimeout(() => this.#process.kill("SIGKILL"), 20_000);
    const { code, signal } = await this.#process.status;
    clearTimeout(stuck);
    assertEquals(await this.line(), null);
    await this.#writer.close().catch(() => {});
    assertEquals([code, signal, await this.#errors], [0, null, ""]);
  }
}

Deno.test("bind(0) has every pattern of a stream, over a pipe", async () => {
  const process = command("patterns").spawn();
  const writer = process.stdin.getWriter();
  await writer.write(encode("line\r\nfourpart--xyz"));
  await writer.write(new Uint8Array([0, 3, 97, 98, 99]));
  await writer.write(encode("one\ntwo\nthe rest"));
  await writer.close();
  const { stdout, stderr } = await process.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [
    ...["line", "four", "part", [120, 121], "xyz", "abc"],
    ["one", "two"],
    ["the rest", null],
    [null, null],
  ]);
});

Deno.test("a receive of bind(0) that has given up does not keep the program alive", async () => {
  const child = new Child(command("give_up"));
  // Its input stays open, and nothing comes.
  assertEquals(await child.line(), "timeout cancelled cancelled killed");
  await child.ends();
});

Deno.test("a receive of bind(0) that waits keeps the program alive", async () => {
  const child = new Child(command("waits"));
  assertEquals(await child.line(), "ready");
  await child.write("at last\n");
  assertEquals(await child.line(), "at last");
  await child.ends();
});

Deno.test("bind(0) loses nothing when a receive gives up in the middle of a line", async () => {
  const child = new Child(command("late"));
  await child.write("half");
  assertEquals(await child.line(), "timeout 4");
  await child.write(" and half\n");
  assertEquals(await child.line(), "half and half");
  await child.ends();
});

Deno.test("shutdown() of bind(0) has nothing to end, and lets it read on", async () => {
  const child = new Child(command("shutdown"));
  await child.write("still here\n");
  assertEquals(await child.line(), "true closed still here");
  await child.ends();
});

Deno.test("bind(0) after a close gives a new stream, and what comes is not lost", async () => {
  const child = new Child(command("again"));
  assertEquals(await child.line(), "closed");
  await child.write("for the second\n");
  assertEquals(await child.line(), "for the second");
  await child.ends();
});

Deno.test("reads of others keep the program alive after bind(0) let go of one", async () => {
  const child = new Child(command("plain"));
  assertEquals(await child.line(), "ready");
  await child.write("first\n");
  assertEquals(await child.line(), "more");
  await child.write("abc");
  assertEquals(await child.line(), "3");
  await child.ends();
});

Deno.test("bind(0) of a null device is at its end", async () => {
  const { stdout } = await command("patterns", "null").output();
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [
    ...[null, null, null, null, null, null],
    [],
    ["", null],
    [null, null],
  ]);
});

Deno.test("bind(1) and bind(2) send all, and survive a close", async () => {
  const process = command("much").spawn();
  await process.stdin.close();
  const { stdout, stderr } = await process.output();
  assertEquals(stderr.length, 1_000_000);
  const counts = JSON.stringify([[1_000_000, null], [1_000_000, null]]);
  assertEquals(stdout.length, 1_000_000 + counts.length);
  assertEquals(new TextDecoder().decode(stdout.subarray(1_000_000)), counts);
});

Deno.test("bind(0) to bind(1) copies a megabyte without loss", async () => {
  const process = command("copy").spawn();
  const bytes = new Uint8Array(1_000_000).map((_, at) => at * 13 + (at >> 9));
  const output = process.output();
  const writer = process.stdin.getWriter();
  await writer.write(bytes);
  await writer.close();
  const { stdout } = await output;
  assertEquals(stdout.length, bytes.length);
  assert(stdout.every((byte, at) => byte === bytes[at]));
});

/** The command that runs a program under a terminal of its own, which `script` makes. */
function underTerminal(script: string, program: string): Deno.Command {
  const run = `'${Deno.execPath()}' run --quiet --no-prompt '${CHILD}' ${program}`;
  return new Deno.Command(script, {
    args: ["-qec", run, "/dev/null"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  });
}

// Elsewhere `script` takes other arguments.
if (Deno.build.os === "linux") {
  peerTest(
    "a receive that has given up does not keep the program alive at a terminal",
    ["script"],
    async ({ script }) => {
      const child = new Child(underTerminal(script, "give_up"));
      assertEquals(await child.line(), "timeout cancelled cancelled killed\r");
      await child.ends();
    },
  );

  peerTest("bind(0) receives what is typed at a terminal", ["script"], async ({ script }) => {
    const child = new Child(underTerminal(script, "waits"));
    assertEquals(await child.line(), "ready\r");
    await child.write("typed\n");
    // The terminal shows what is typed, too.
    assertEquals([await child.line(), await child.line()], ["typed\r", "typed\r"]);
    await child.ends();
  });
}

Deno.test("bind() gives the same stream again, and tells of another encoding", async () => {
  const [stdin] = bind(0);
  assertStrictEquals(bind(0)[0], stdin);
  assertEquals(bind(0, { encoding: "latin1" })[1]?.code, "busy");
  await stdin!.close();
  const [other] = bind(0, { encoding: "latin1" });
  assert(other !== (stdin as unknown));
  assertEquals((await other!.send("x"))[1]?.code, "closed");
  await other!.close();
  const [stderr] = bind(2);
  assertEquals((await stderr!.receive())[1]?.code, "closed");
  assertEquals(stderr!.getpeer()[1]?.code, "unsupported");
  assertEquals(await stderr!.shutdown("send"), [true, null]);
  await stderr!.close();
});

Deno.test("bind() of any other descriptor is unsupported, and of none throws", () => {
  const [, err] = bind(3);
  assertEquals(err?.code, "unsupported");
  assert(err!.message.includes("Deno has no safe way to adopt one"), err!.message);
  assertThrows(
    () => bind("0" as unknown as number),
    TypeError,
    "bind wants a descriptor: got string",
  );
  assertThrows(() => bind(-1), RangeError, "bind wants a descriptor, 0 or more: got -1");
  assertThrows(() => bind(0.5), RangeError, "got 0.5");
});
