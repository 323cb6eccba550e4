/** The programs that the tests of `bind` run, chosen by the first argument. */
import { bind, unwrap } from "../../cosocket/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";

const stdin = unwrap(bind(0));
const stdout = unwrap(bind(1));
const text = { encoding: "utf-8" } as const;

const PROGRAMS: Record<string, () => Promise<unknown>> = {
  /** Every pattern, one after the other. */
  async patterns() {
    const got = [
      await stdin.receive(),
      await stdin.receive(4, text),
      await stdin.receiveuntil("--", text),
      await stdin.peek(2),
      await stdin.receiveany(3, { encoding: "latin1" }),
    ].map(([value]) => value instanceof Uint8Array ? [...value] : value);
    stdin.set_rwopt({ read_head_bytes: 2, read_head_endian: "B" });
    got.push((await stdin.receive_frame(text))[0]);
    const lines: string[] = [];
    for await (const line of stdin.lines()) {
      lines.push(line);
      if (lines.length === 2) break;
    }
    const rest = await stdin.receive("*a", text);
    const end = await stdin.receive();
    await stdout.send([JSON.stringify([...got, lines, rest, end]), "\n"]);
  },
  /** Receives what never comes in every way of giving up, and has nothing more to do then. */
  async give_up() {
    const codes: (string | undefined)[] = [];
    codes.push((await stdin.receive("*l", { timeout: 10 }))[1]?.code);
    const aborter = new AbortController();
    const aborted = stdin.receive("*l", { signal: aborter.signal });
    aborter.abort();
    codes.push((await aborted)[1]?.code);
    const interrupted = stdin.receive();
    stdin.interrupt();
    codes.push((await interrupted)[1]?.code);
    const killed = newthread(() => stdin.receive());
    kill(killed);
    codes.push((await wait(killed))[1]?.code);
    await stdout.send([codes.join(" "), "\n"]);
  },
  /** Shuts down the sending side, which standard input has not, and reads on. */
  async shutdown() {
    const [done] = await stdin.shutdown("send");
    const [, err] = await stdin.send("x");
    await stdout.send([`${done} ${err?.code} ${(await stdin.receive())[0]}`, "\n"]);
  },
  /** Gives up half-way through a line, and receives it whole later. */
  async late() {
    await stdin.peek(4);
    const [, err] = await stdin.receive("*l", { timeout: 10 });
    await stdout.send([`${err?.code} ${stdin.pending}`, "\n"]);
    const [line] = await stdin.receive();
    await stdout.send([`${line}`, "\n"]);
  },
  /** Closes standard input while it waits, and binds it again. */
  async again() {
    const waiting = stdin.receive();
    await stdin.close();
    await stdout.send([`${(await waiting)[1]?.code}`, "\n"]);
    const [line] = await unwrap(bind(0)).receive();
    await stdout.send([`${line}`, "\n"]);
  },
  /** Receives once without any limit: only the read keeps it alive. */
  async waits() {
    await stdout.send("ready\n");
    const [line] = await stdin.receive("*l", { timeout: 0 });
    await stdout.send([`${line}`, "\n"]);
  },
  /** After a read that was let go of, plain reads keep the program alive as ever. */
  async plain() {
    await stdin.receive("*l", { timeout: 10 });
    await stdout.send("ready\n");
    await stdin.receive();
    await stdin.close();
    await stdout.send("more\n");
    const count = await Deno.stdin.read(new Uint8Array(9));
    await stdout.send([`${count}`, "\n"]);
  },
  /** Sends much to both, and counts what it was told. */
  async much() {
    const stderr = unwrap(bind(2));
    const counts = await Promise.all([
      stdout.send("o".repeat(1_000_000)),
      stderr.send("e".repeat(1_000_000)),
    ]);
    await stdout.close();
    await unwrap(bind(1)).send(JSON.stringify(counts));
  },
  /** Copies its input to its output. */
  async copy() {
    for await (const piece of stdin.readable) unwrap(await stdout.send(piece));
  },
};

await PROGRAMS[Deno.args[0] ?? ""]?.();
