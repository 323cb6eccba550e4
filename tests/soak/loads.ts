/**
 * The loads of the soak: each is one round of work, made again and again by threads that are
 * killed in the middle of it at random. What a round opens, its end gives back.
 */
import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { create } from "../../context/mod.ts";
import { connect, listen, type Server, tcp, unwrap } from "../../cosocket/mod.ts";
import * as eio from "../../eio/mod.ts";
import * as http from "../../http/mod.ts";
import { popen, run_process } from "../../process/mod.ts";
import { sleep } from "../../thread/mod.ts";
import * as websocket from "../../websocket/mod.ts";

/** What the loads talk to, for as long as the soak lasts. */
export interface Stage extends AsyncDisposable {
  port: number;
  http: http.HttpServer;
  web: http.HttpServer;
  client: http.HttpClient;
  folder: string;
  next: () => number;
}

/** Answers each line; every fiftieth connection is dropped in the middle. */
async function serve(server: Server, next: () => number): Promise<void> {
  await server.autospawn(async (sock) => {
    for (;;) {
      const [line] = await sock.receive("*l", { timeout: 0 });
      if (line === null || next() < 0.004) return;
      await sock.send(`${line}\n`);
    }
  });
}

/** Starts the servers; they run until the stage is disposed. */
export async function stageOf(next: () => number): Promise<Stage> {
  const server = await unwrap(listen("127.0.0.1", 0));
  void serve(server, next);
  const pages = await unwrap(http.listen("127.0.0.1", 0, async (req, res) => {
    if (req.path === "/slow") {
      await res.write("slow");
      await sleep(5);
    }
    await res.write(`page ${req.path}`);
  }));
  const talk = websocket.serve(async (socket) => {
    for await (const message of socket) await socket.send(message);
  });
  const web = await unwrap(http.listen("127.0.0.1", 0, talk));
  const client = http.client({ per_host: 8 });
  const folder = await Deno.makeTempDir();
  return {
    port: server.port,
    http: pages,
    web,
    client,
    folder,
    next,
    async [Symbol.asyncDispose]() {
      await client.close();
      await talk[Symbol.asyncDispose]();
      await web.shutdown({ grace: 100 });
      await pages.shutdown({ grace: 100 });
      await server.shutdown({ grace: 100 });
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** One round; what it throws counts as failed, and is no end of the soak. */
export type Load = (stage: Stage) => Promise<void>;

let files = 0;

export const LOADS: Record<string, Load> = {
  async echo({ port }) {
    await using sock = await unwrap(connect("127.0.0.1", port, { pool: "none" }));
    for (let n = 0; n < 20; n++) {
      await unwrap(sock.send(`echo ${n}\n`));
      const line = await unwrap(sock.receive());
      // The server hangs up now and then.
      if (line === null) return;
      assertEquals(line, `echo ${n}`);
    }
  },

  async lines({ port, next }) {
    await using sock = await unwrap(connect("127.0.0.1", port, { pool: "none" }));
    const lines = Array.from({ length: 200 }, (_, n) => `${n} ${"x".repeat(next() * 200)}`);
    void sock.send(lines.map((line) => `${line}\n`));
    for (const line of lines) {
      for (;;) {
        const [got, err] = await sock.receive("*l", { timeout: 3 });
        if (err?.code === "timeout") continue;
        if (err !== null) throw err;
        if (got === null) return;
        assertEquals(got, line);
        break;
      }
    }
  },

  async pool({ port, next }) {
    const tag = `tag ${next()}`;
    const sock = tcp();
    await using _ = sock;
    await unwrap(sock.connect("127.0.0.1", port, { pool_size: 4, pool: "soak" }));
    await unwrap(sock.send(`${tag}\n`));
    const line = await unwrap(sock.receive());
    if (line === null) return;
    assertEquals(line, tag);
    sock.setkeepalive(4);
  },

  async contexts({ next }) {
    const url = new URL("./context_worker.ts", import.meta.url);
    // A process costs a hundred times as much as a thread.
    const isolated = next() < 0.1;
    const ctx = await unwrap(create<string, string>(url, { isolated }));
    try {
      assertEquals(await unwrap(ctx.query("hello", { timeout: 60_000 })), "hello back");
    } finally {
      ctx.destroy();
    }
    await ctx.wait();
  },

  async files({ folder }) {
    const path = `${folder}/file-${files++}`;
    try {
      await unwrap(eio.write_atomic(path, "one\ntwo\nthree\n"));
      await using file = await unwrap(eio.open(path, "r+"));
      assertEquals(await unwrap(file.read(3)), new TextEncoder().encode("one"));
      await unwrap(file.write("ONE", 0));
      assertEquals(await unwrap(eio.readfile(path, { encoding: "utf-8" })), "ONE\ntwo\nthree\n");
    } finally {
      // A kill may come before the file is there, or after it is written for the last time.
      if (existsSync(path)) Deno.removeSync(path);
    }
  },

  async children() {
    const { stdout } = await unwrap(run_process(["echo", "a child"]));
    assertEquals(stdout, "a child\n");
    await using child = unwrap(popen('read line; echo "$line"; exec sleep 60', "rw"));
    await unwrap(child.send("over pipes\n"));
    assertEquals(await unwrap(child.receive()), "over pipes");
    await unwrap(child.stop({ grace: 0 }));
  },

  async http({ http, client, next }) {
    const path = next() < 0.2 ? "/slow" : "/page";
    const response = await unwrap(client.get(`http://127.0.0.1:${http.port}${path}`));
    const text = await unwrap(response.text());
    assertEquals(text.endsWith(`page ${path}`), true);
  },

  async websocket({ web }) {
    const socket = await unwrap(websocket.connect(`ws://127.0.0.1:${web.port}`));
    try {
      for (let n = 0; n < 10; n++) {
        await unwrap(socket.send(`message ${n}`));
        assertEquals(await unwrap(socket.receive()), `message ${n}`);
      }
    } finally {
      await socket.close();
    }
  },
};
