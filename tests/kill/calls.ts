/**
 * Every call of the modules that may wait, each made to wait for something that does not
 * come, or, where nothing can hold it up, made just so.
 */
import * as cosocket from "../../cosocket/mod.ts";
import * as eio from "../../eio/mod.ts";
import * as process from "../../process/mod.ts";
import * as stream from "../../stream/mod.ts";
import { unwrap } from "../../core/mod.ts";

/** What a case may use: a folder of its own, and a way to say what is to be undone after it. */
export interface Stage {
  path: string;
  undo(how: () => unknown): void;
}

/** Makes everything ready, and gives the call that the thread is killed in. */
type Prepare = (stage: Stage) => Promise<() => Promise<unknown>> | (() => Promise<unknown>);

/** More than the buffers between two ends hold. */
const FLOOD = new Uint8Array(32 * 1024 * 1024);

/** A server that accepts nothing: connections wait in its backlog. */
function silent({ undo }: Stage): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  undo(() => listener.close());
  return listener.addr.port;
}

/** A connection to a server that accepts nothing and says nothing. */
async function connected(stage: Stage): Promise<cosocket.TcpSocket> {
  const sock = await unwrap(cosocket.connect("127.0.0.1", silent(stage)));
  stage.undo(() => sock.close_immediately());
  return sock;
}

/** One end of a pair in memory whose other end does nothing. */
function paired({ undo }: Stage): stream.BufferedStream {
  const [ours, theirs] = stream.pair();
  undo(() => ours.close_immediately());
  undo(() => theirs.close_immediately());
  return ours;
}

async function bound({ undo }: Stage): Promise<cosocket.UdpSocket> {
  const sock = cosocket.udp();
  undo(() => sock.close());
  await unwrap(sock.bind("127.0.0.1", 0));
  return sock;
}

async function listening({ undo }: Stage): Promise<cosocket.Server> {
  const server = await unwrap(cosocket.listen("127.0.0.1", 0));
  undo(() => server.close());
  return server;
}

/** A name server that does not answer. */
function deafNameServer({ undo }: Stage) {
  const sock = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  undo(() => sock.close());
  return { ip: "127.0.0.1", port: sock.addr.port };
}

/** The path of a FIFO that nobody else has open. */
function fifo({ path }: Stage): string {
  const name = `${path}/fifo`;
  new Deno.Command("mkfifo", { args: [name] }).outputSync();
  return name;
}

/** The path of a file with something in it. */
function file({ path }: Stage): string {
  const name = `${path}/file`;
  Deno.writeFileSync(name, new Uint8Array(100_000));
  return name;
}

async function opened(stage: Stage): Promise<eio.FileHandle> {
  const handle = await unwrap(eio.open(file(stage), "r+"));
  stage.undo(() => handle.close());
  return handle as eio.FileHandle;
}

/** A child that runs until it is stopped. */
function lasting({ undo }: Stage): process.Child {
  const child = unwrap(process.exec(["sleep", "60"]));
  undo(() => child.stop());
  return child;
}

/** A child whose output never comes. */
function piped({ undo }: Stage): process.ChildStream {
  const child = unwrap(process.popen(["sleep", "60"], "rw"));
  undo(() => child[Symbol.asyncDispose]());
  return child;
}

/** The calls, by the names of the surface; a word after the name tells cases apart. */
export const CALLS: Record<string, Prepare> = {
  "BufferedStream.close": async (stage) => {
    const sock = await connected(stage);
    void sock.send(FLOOD);
    return () => sock.close();
  },
  "BufferedStream.peek": (stage) => {
    const sock = paired(stage);
    return () => sock.peek(1);
  },
  "BufferedStream.receive": (stage) => {
    const sock = paired(stage);
    return () => sock.receive();
  },
  "BufferedStream.receive of a socket": async (stage) => {
    const sock = await connected(stage);
    return () => sock.receive();
  },
  "BufferedStream.receive of a child": (stage) => {
    const child = piped(stage);
    return () => child.receive();
  },
  "BufferedStream.receive_frame": (stage) => {
    const sock = paired(stage);
    return () => sock.receive_frame();
  },
  "BufferedStream.receive_into": (stage) => {
    const sock = paired(stage);
    return () => sock.receive_into(new Uint8Array(10));
  },
  "BufferedStream.receiveany": (stage) => {
    const sock = paired(stage);
    return () => sock.receiveany(10);
  },
  "BufferedStream.receiveuntil": (stage) => {
    const sock = paired(stage);
    return () => sock.receiveuntil("--");
  },
  "BufferedStream.send": (stage) => {
    const sock = paired(stage);
    return () => sock.send(FLOOD);
  },
  "BufferedStream.send to a socket": async (stage) => {
    const sock = await connected(stage);
    return () => sock.send(FLOOD);
  },
  "BufferedStream.send to a child": (stage) => {
    const child = piped(stage);
    return () => child.send(FLOOD);
  },
  "BufferedStream.send_frame": (stage) => {
    const sock = paired(stage);
    return () => sock.send_frame(FLOOD.subarray(0, 8 * 1024 * 1024));
  },
  "BufferedStream.sendfile": async (stage) => {
    const sock = paired(stage);
    const handle = await opened(stage);
    return () => sock.sendfile(handle);
  },
  "BufferedStream.shutdown": (stage) => {
    const sock = paired(stage);
    void sock.send(FLOOD);
    return () => sock.shutdown("send");
  },
  "BufferedStream.uncork": (stage) => {
    const sock = paired(stage);
    sock.cork();
    void sock.send(FLOOD);
    return () => sock.uncork();
  },
  "BufferedStream.lines": (stage) => {
    const sock = paired(stage);
    return () => sock.lines().next();
  },
  "TcpSocket.connect": (stage) => {
    const port = silent(stage);
    const sock = cosocket.tcp();
    stage.undo(() => sock.close_immediately());
    return () => sock.connect("127.0.0.1", port);
  },
  "TcpSocket.sslhandshake": async (stage) => {
    const sock = await connected(stage);
    return () => sock.sslhandshake();
  },
  "TcpSocket.close": async (stage) => {
    const sock = await connected(stage);
    void sock.send(FLOOD);
    return () => sock.close();
  },
  "cosocket.connect": (stage) => {
    const port = silent(stage);
    return async () => {
      const [sock] = await cosocket.connect("127.0.0.1", port);
      sock?.close_immediately();
    };
  },
  "cosocket.connect to a path": (stage) => {
    const path = `${stage.path}/sock`;
    const listener = Deno.listen({ transport: "unix", path });
    stage.undo(() => listener.close());
    return async () => {
      const [sock] = await cosocket.connect(path);
      sock?.close_immediately();
    };
  },
  "cosocket.connect under TLS": (stage) => {
    const port = silent(stage);
    return () => cosocket.connect("127.0.0.1", port, { ssl: { verify: false } });
  },
  "cosocket.connect in line for a pool": async (stage) => {
    const port = silent(stage);
    const options = { pool_size: 1, backlog: 1 };
    const first = await unwrap(cosocket.connect("127.0.0.1", port, options));
    stage.undo(async () => {
      await first.close();
      await cosocket.pool_close();
    });
    return () => cosocket.connect("127.0.0.1", port, options);
  },
  "cosocket.listen": ({ undo }) => async () => {
    const [server] = await cosocket.listen("127.0.0.1", 0);
    if (server !== null) undo(() => server.close());
  },
  "cosocket.pool_close": async (stage) => {
    const sock = await unwrap(cosocket.connect("127.0.0.1", silent(stage), { pool_size: 4 }));
    sock.setkeepalive();
    stage.undo(() => cosocket.pool_close());
    return () => cosocket.pool_close();
  },
  "Server.accept": async (stage) => {
    const server = await listening(stage);
    return () => server.accept();
  },
  "Server.autospawn": async (stage) => {
    const server = await listening(stage);
    return () => server.autospawn(() => {});
  },
  "Server.close": async (stage) => {
    const server = await listening(stage);
    return () => server.close();
  },
  "Server.shutdown": async (stage) => {
    const server = await listening(stage);
    const spawning = server.autospawn(async (sock) => void await sock.receive());
    const sock = await unwrap(cosocket.connect("127.0.0.1", server.port));
    stage.undo(async () => {
      await sock.close();
      await server.close();
      await spawning;
    });
    while (server.connections === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    return () => server.shutdown({ grace: 60_000 });
  },
  "UdpSocket.bind": (stage) => {
    const sock = cosocket.udp();
    stage.undo(() => sock.close());
    return () => sock.bind("127.0.0.1", 0);
  },
  "UdpSocket.close": async (stage) => {
    const sock = await bound(stage);
    return () => sock.close();
  },
  "UdpSocket.receive": async (stage) => {
    const sock = await bound(stage);
    return () => sock.receive();
  },
  "UdpSocket.receivefrom": async (stage) => {
    const sock = await bound(stage);
    return () => sock.receivefrom();
  },
  "UdpSocket.send": async (stage) => {
    const [sock, other] = [await bound(stage), await bound(stage)];
    await unwrap(sock.setpeername("127.0.0.1", unwrap(other.localaddr()).port));
    return () => sock.send("x");
  },
  "UdpSocket.sendto": async (stage) => {
    const [sock, other] = [await bound(stage), await bound(stage)];
    const { port } = unwrap(other.localaddr());
    return () => sock.sendto("x", "127.0.0.1", port);
  },
  "UdpSocket.setpeername": async (stage) => {
    const [sock, other] = [await bound(stage), await bound(stage)];
    const { port } = unwrap(other.localaddr());
    return () => sock.setpeername("127.0.0.1", port);
  },
  "dns.lookup": () => () => cosocket.dns.lookup("localhost", { cached: false }),
  "dns.resolve": (stage) => {
    const name_server = deafNameServer(stage);
    return () => cosocket.dns.resolve("a.example.com", "A", { name_server, cached: false });
  },
  "dns.resolve4": (stage) => {
    const name_server = deafNameServer(stage);
    return () => cosocket.dns.resolve4("a.example.com", { name_server, cached: false });
  },
  "dns.resolve6": (stage) => {
    const name_server = deafNameServer(stage);
    return () => cosocket.dns.resolve6("a.example.com", { name_server, cached: false });
  },
  "FileHandle.close": async (stage) => {
    const handle = await opened(stage);
    return () => handle.close();
  },
  "FileHandle.lock": async (stage) => {
    const [first, second] = [await opened(stage), await opened(stage)];
    await unwrap(first.lock("w"));
    return () => second.lock("w");
  },
  "FileHandle.read": async (stage) => {
    const handle = await opened(stage);
    return () => handle.read(50_000);
  },
  "FileHandle.read_into": async (stage) => {
    const handle = await opened(stage);
    return () => handle.read_into(new Uint8Array(50_000));
  },
  "FileHandle.lines": async (stage) => {
    const handle = await opened(stage);
    return () => handle.lines({ max: 200_000 }).next();
  },
  "FileHandle.seek": async (stage) => {
    const handle = await opened(stage);
    return () => handle.seek(0, "end");
  },
  "FileHandle.size": async (stage) => {
    const handle = await opened(stage);
    return () => handle.size();
  },
  "FileHandle.stat": async (stage) => {
    const handle = await opened(stage);
    return () => handle.stat();
  },
  "FileHandle.sync": async (stage) => {
    const handle = await opened(stage);
    return () => handle.sync();
  },
  "FileHandle.truncate": async (stage) => {
    const handle = await opened(stage);
    return () => handle.truncate(10);
  },
  "FileHandle.write": async (stage) => {
    const handle = await opened(stage);
    return () => handle.write(FLOOD);
  },
  "eio.appendfile": ({ path }) => () => eio.appendfile(`${path}/new`, FLOOD),
  "eio.chmod": (stage) => () => eio.chmod(file(stage), 0o600),
  "eio.chown": (stage) => () => eio.chown(file(stage), Deno.uid()!, Deno.gid()!),
  "eio.copy": (stage) => () => eio.copy(file(stage), `${stage.path}/copy`),
  "eio.exists": (stage) => () => eio.exists(file(stage)),
  "eio.isdir": (stage) => () => eio.isdir(file(stage)),
  "eio.isfile": (stage) => () => eio.isfile(file(stage)),
  "eio.link": (stage) => () => eio.link(file(stage), `${stage.path}/link`),
  "eio.lstat": (stage) => () => eio.lstat(file(stage)),
  "eio.mkdir": ({ path }) => () => eio.mkdir(`${path}/a`),
  "eio.mkdirp": ({ path }) => () => eio.mkdirp(`${path}/a/b/c`),
  "eio.open": (stage) => {
    const name = file(stage);
    return async () => {
      const [handle] = await eio.open(name);
      if (handle !== null) stage.undo(() => handle.close());
    };
  },
  "eio.open of a FIFO": (stage) => {
    const name = fifo(stage);
    return async () => {
      const [handle] = await eio.open(name, "w");
      if (handle !== null) stage.undo(() => handle.close());
    };
  },
  "eio.open_stream": (stage) => {
    const name = fifo(stage);
    return async () => {
      const [fifo] = await eio.open_stream(name);
      if (fifo !== null) stage.undo(() => fifo.close_immediately());
    };
  },
  "eio.readdir": ({ path }) => () => eio.readdir(path),
  "eio.readfile": (stage) => () => eio.readfile(file(stage)),
  "eio.readlink": ({ path }) => {
    Deno.symlinkSync("x", `${path}/x`);
    return () => eio.readlink(`${path}/x`);
  },
  "eio.realpath": (stage) => () => eio.realpath(file(stage)),
  "eio.rename": (stage) => () => eio.rename(file(stage), `${stage.path}/name`),
  "eio.rmdir": ({ path }) => {
    Deno.mkdirSync(`${path}/a`);
    return () => eio.rmdir(`${path}/a`);
  },
  "eio.stat": (stage) => () => eio.stat(file(stage)),
  "eio.symlink": ({ path }) => () => eio.symlink("x", `${path}/x`),
  "eio.tmpfile": ({ undo, path }) => async () => {
    const [handle] = await eio.tmpfile({ dir: path });
    if (handle !== null) undo(() => handle.close());
  },
  "eio.unlink": (stage) => () => eio.unlink(file(stage)),
  "eio.utime": (stage) => () => eio.utime(file(stage), 0, 0),
  "eio.walk": (stage) => async () => {
    for await (const _ of eio.walk(stage.path));
  },
  "eio.write_atomic": ({ path }) => () => eio.write_atomic(`${path}/new`, FLOOD),
  "eio.writefile": ({ path }) => () => eio.writefile(`${path}/new`, FLOOD),
  "Child.stop": (stage) => {
    const child = lasting(stage);
    return () => child.stop();
  },
  "Child.wait": (stage) => {
    const child = lasting(stage);
    return () => child.wait();
  },
  "ChildStream.stop": (stage) => {
    const child = piped(stage);
    return () => child.stop();
  },
  "ChildStream.wait": (stage) => {
    const child = piped(stage);
    return () => child.wait();
  },
  "process.run_process": () => () => process.run_process(["sleep", "60"]),
  "process.waitpid": (stage) => {
    const { pid } = lasting(stage);
    return () => process.waitpid(pid);
  },
  "stream.broadcast": (stage) => {
    const ends = [paired(stage), paired(stage)];
    return () => stream.broadcast(ends, FLOOD);
  },
  "stream.select": (stage) => {
    const ends = [paired(stage), paired(stage)];
    return () => stream.select(ends);
  },
};
