/** Calls that fail at once, however often they are made: who tries for ever freezes nobody. */
import * as cosocket from "../../cosocket/mod.ts";
import * as eio from "../../eio/mod.ts";
import * as process from "../../process/mod.ts";
import * as stream from "../../stream/mod.ts";
import * as thread from "../../thread/mod.ts";
import { IoError, unwrap } from "../../core/mod.ts";

/** Gives a call that can be made again and again; `undo` says what is to be undone after it. */
export type Hopeless = (undo: (how: () => unknown) => void) => Call | Promise<Call>;

type Call = () => Promise<unknown>;

const HOST = "127.0.0.1";
const HERE = new URL(import.meta.url).pathname;
/** A file is no folder, so nothing can be in it. */
const NOWHERE = `${HERE}/nowhere`;
/** No label of a name is that long. */
const NO_NAME = "a".repeat(400);
/** No address of this machine: it is kept for documentation. */
const FOREIGN = "192.0.2.1";

const fails = (code: "dns") => Promise.resolve<[null, IoError]>([null, new IoError(code, code)]);
const first = (lines: AsyncIterableIterator<unknown>): Promise<unknown> => lines.next();

async function closedServer(): Promise<cosocket.Server> {
  const server = await unwrap(cosocket.listen(HOST, 0));
  await server.close();
  return server;
}

async function closedFile(): Promise<eio.FileHandle> {
  // Nothing is written: it is closed before anybody could.
  const file = await unwrap(eio.open(HERE, "r+"));
  await file.close();
  return file as eio.FileHandle;
}

async function closedUdp(): Promise<cosocket.UdpSocket> {
  const sock = cosocket.udp();
  await sock.close();
  return sock;
}

/** The calls, by the names of the surface; words after the name tell cases apart. */
export const HOPELESS: Record<string, Hopeless> = {
  "BufferedStream.receive of what is not connected": () => () => cosocket.tcp().receive(),
  "BufferedStream.peek of too much": () => () => cosocket.tcp().peek(9, { max: 8 }),
  "BufferedStream.receive_frame of what is not connected": () => () =>
    cosocket.tcp().receive_frame(),
  "BufferedStream.receive_into of what is not connected": () => () =>
    cosocket.tcp().receive_into(new Uint8Array(1)),
  "BufferedStream.receiveany of what is not connected": () => () => cosocket.tcp().receiveany(1),
  "BufferedStream.receiveuntil of what is not connected": () => () =>
    cosocket.tcp().receiveuntil("--"),
  "BufferedStream.lines of what is not connected": () => () => first(cosocket.tcp().lines()),
  "BufferedStream.send to what is not connected": () => () => cosocket.tcp().send("x"),
  "BufferedStream.send_frame to what is not connected": () => () => {
    const sock = cosocket.tcp();
    sock.set_rwopt({ write_head_bytes: 1 });
    return sock.send_frame("x");
  },
  "BufferedStream.uncork of what is not connected": () => () => cosocket.tcp().uncork(),
  "BufferedStream.sendfile to what is not connected": () => {
    const file = { read: () => Promise.resolve<[null, null]>([null, null]) };
    return () => cosocket.tcp().sendfile(file);
  },
  "BufferedStream.shutdown of what is not connected": () => () => cosocket.tcp().shutdown("send"),
  "TcpSocket.sslhandshake of what is not connected": () => () => cosocket.tcp().sslhandshake(),
  "TcpSocket.connect to a path where nobody listens": () => () => cosocket.tcp().connect(NOWHERE),
  "cosocket.connect to a path where nobody listens": () => () => cosocket.connect(NOWHERE),
  "cosocket.connect to what is no host": () => () => cosocket.connect("no host", 9),
  "cosocket.connect from an address that is not ours": () => () =>
    cosocket.connect(HOST, 9, { local_address: FOREIGN }),
  "cosocket.connect with a resolver that knows nothing": () => {
    const resolver = { lookup: () => fails("dns") };
    return () => cosocket.connect("a.test", 9, { resolver });
  },
  "cosocket.listen on a port that is taken": async (undo) => {
    const server = await unwrap(cosocket.listen(HOST, 0));
    undo(() => server.close());
    return () => cosocket.listen(HOST, server.port);
  },
  "cosocket.listen on an address that is not ours": () => () => cosocket.listen(FOREIGN, 9),
  "cosocket.listen with a certificate that is none": () => () =>
    cosocket.listen(HOST, 0, { ssl: { cert: "x", key: "y" } }),
  "cosocket.listen on a path in no folder": () => () => cosocket.listen(NOWHERE),
  "Server.accept of a closed server": async () => {
    const server = await closedServer();
    return () => server.accept();
  },
  "Server.autospawn of a closed server": async () => {
    const server = await closedServer();
    return () => server.autospawn(() => {});
  },
  "UdpSocket.bind to an address that is not ours": () => () => cosocket.udp().bind(FOREIGN, 9),
  "UdpSocket.receive of what is not bound": () => () => cosocket.udp().receive(),
  "UdpSocket.receivefrom of what was closed": async () => {
    const sock = await closedUdp();
    return () => sock.receivefrom();
  },
  "UdpSocket.send without a peer": () => () => cosocket.udp().send("x"),
  "UdpSocket.sendto of what was closed": async () => {
    const sock = await closedUdp();
    return () => sock.sendto("x", HOST, 9);
  },
  "UdpSocket.setpeername of what was closed": async () => {
    const sock = await closedUdp();
    return () => sock.setpeername(HOST, 9);
  },
  "dns.lookup of an address": () => () => cosocket.dns.lookup(HOST),
  "dns.resolve of what is no name": () => () => cosocket.dns.resolve(NO_NAME, "MX"),
  "dns.resolve4 of what is no name": () => () => cosocket.dns.resolve4(NO_NAME),
  "dns.resolve6 of what is no name": () => () => cosocket.dns.resolve6(NO_NAME),
  "stream.select of what another receives from": (undo) => {
    const [a, b] = stream.pair();
    const first = a.receive();
    undo(() => Promise.all([a.close(), b.close(), first]));
    return () => stream.select([a]);
  },
  "stream.broadcast to what is not connected": () => () => stream.broadcast([cosocket.tcp()], "x"),
  "stream.broadcast of a frame that is too long": (undo) => {
    const ends = stream.pair();
    undo(() => Promise.all(ends.map((end) => end.close())));
    ends[0].set_rwopt({ write_head_bytes: 1 });
    return () => stream.broadcast([ends[0]], new Uint8Array(300));
  },
  "stream.broadcast to nobody": () => () => stream.broadcast([], "x"),
  "process.run_process of no program": () => () => process.run_process([NOWHERE]),
  "process.waitpid of no child": () => () => process.waitpid(1),
  "thread.sleeper that another uses": (undo) => {
    const sleeper = thread.sleeper();
    const first = sleeper.sleep();
    undo(() => {
      sleeper.wakeup();
      return first;
    });
    return () => sleeper.sleep();
  },
};

for (const name of ["read", "read_into", "lock", "seek", "size", "stat", "sync", "truncate"]) {
  HOPELESS[`FileHandle.${name} of a closed file`] = async () => {
    const file = await closedFile();
    const calls: Record<string, Call> = {
      read: () => file.read(1),
      read_into: () => file.read_into(new Uint8Array(1)),
      lock: () => file.lock(),
      seek: () => file.seek(0),
      size: () => file.size(),
      stat: () => file.stat(),
      sync: () => file.sync(),
      truncate: () => file.truncate(0),
    };
    return calls[name]!;
  };
}
HOPELESS["FileHandle.write to a closed file"] = async () => {
  const file = await closedFile();
  return () => file.write("x");
};
HOPELESS["FileHandle.seek to before the beginning"] = async (undo) => {
  const file = await unwrap(eio.open(HERE, "r"));
  undo(() => file.close());
  return () => file.seek(-1);
};
HOPELESS["FileHandle.lines of a closed file"] = async () => {
  const file = await closedFile();
  return () => first(file.lines());
};
