/**
 * The loads of the soak: each is one round of work, made again and again by threads that are
 * killed in the middle of it at random. What a round opens, its end gives back.
 */
import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { create } from "../../context/mod.ts";
import { connect, listen, type Server, tcp, udp, unwrap } from "../../cosocket/mod.ts";
import * as eio from "../../eio/mod.ts";
import * as http from "../../http/mod.ts";
import { open_logger } from "../../log/mod.ts";
import { popen, run_process } from "../../process/mod.ts";
import { newthread, sleep, wait } from "../../thread/mod.ts";
import * as websocket from "../../websocket/mod.ts";
import { CERTS } from "../cosocket/ends.ts";

/** What the loads talk to, for as long as the soak lasts. */
export interface Stage extends AsyncDisposable {
  port: number;
  tls_port: number;
  udp_port: number;
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
  const secret = await unwrap(listen("127.0.0.1", 0, { ssl: CERTS.server }));
  void serve(secret, next);
  const datagrams = udp();
  await unwrap(datagrams.bind("127.0.0.1", 0));
  const mirror = newthread(async () => {
    for (;;) {
      const [value] = await datagrams.receivefrom({ timeout: 0 });
      if (value === null) return;
      await datagrams.sendto(value[0], value[1].ip, value[1].port);
    }
  });
  const pages = await unwrap(http.listen("127.0.0.1", 0, async (req, res) => {
    if (req.path === "/slow") {
      await res.write("slow");
      await sleep(5);
    }
    if (req.method === "POST") return res.add(unwrap(await req.body()));
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
    tls_port: secret.port,
    udp_port: unwrap(datagrams.localaddr()).port,
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
      await secret.shutdown({ grace: 100 });
      await datagrams.close();
      await wait(mirror);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** One round; what it throws counts as failed, and is no end of the soak. */
export type Load = (stage: Stage) => Promise<void>;

let files = 0;

/**
 * So long rests a thread after each round, in milliseconds: what holds up the event loop, as
 * the start of a process or of a worker does, would leave the others no rounds to speak of.
 */
export const RESTS: Record<string, number> = {
  contexts: 500,
  children: 500,
  tls: 20,
  logs: 20,
  files: 5,
};

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

  async tls({ tls_port }) {
    const options = { ssl: { ca: CERTS.ca }, pool: "none" };
    await using sock = await unwrap(connect("127.0.0.1", tls_port, options));
    await unwrap(sock.send("a secret\n"));
    const line = await unwrap(sock.receive());
    if (line !== null) assertEquals(line, "a secret");
  },

  async udp({ udp_port, next }) {
    await using sock = udp({ encoding: "utf-8" });
    await unwrap(sock.setpeername("127.0.0.1", udp_port));
    for (let n = 0; n < 5; n++) {
      const tag = `datagram ${n} ${next()}`;
      await unwrap(sock.send(tag));
      assertEquals(await unwrap(sock.receive()), tag);
    }
  },

  async logs({ folder }) {
    const path = `${folder}/log-${files++}`;
    const logger = unwrap(open_logger(path));
    try {
      for (let n = 0; n < 50; n++) logger.warn(`line ${n}`);
    } finally {
      await logger.close();
      Deno.removeSync(path);
    }
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
    if (next() < 0.2) {
      const body = "x".repeat(next() * 200_000);
      const url = `http://127.0.0.1:${http.port}/echo`;
      const response = await unwrap(client.post(url, body));
      return assertEquals(await unwrap(response.text()), body);
    }
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
