/** Connected WebSockets: both ends ours, or one end raw frames over a TCP socket. */
import { assertEquals } from "@std/assert";
import { connect as dial, listen, type TcpSocket } from "../../cosocket/mod.ts";
import {
  connect,
  type ConnectOptions,
  type MessageSocket,
  refusal,
  unwrap,
  upgrade,
  type UpgradeOptions,
} from "../../websocket/mod.ts";

/** A server that upgrades what comes, and gives the sockets in order. */
export function acceptor(options: UpgradeOptions = {}) {
  const waiting: ((socket: MessageSocket) => void)[] = [];
  const ready: MessageSocket[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const [upgraded, err] = upgrade(request, options);
    if (err) return refusal(err);
    const taker = waiting.shift();
    if (taker === undefined) ready.push(upgraded.socket);
    else taker(upgraded.socket);
    return upgraded.response;
  });
  const { port } = server.addr;
  return {
    port,
    url: `ws://127.0.0.1:${port}/chat`,
    accept(): Promise<MessageSocket> {
      const socket = ready.shift();
      return socket === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(socket);
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

/** Both ends ours. */
export async function ends(options: UpgradeOptions = {}, client: ConnectOptions = {}) {
  const door = acceptor(options);
  const ours = await unwrap(connect(door.url, client));
  const served = await door.accept();
  return {
    client: ours,
    served,
    async [Symbol.asyncDispose]() {
      await Promise.all([ours.close(), served.close()]);
      await door[Symbol.asyncDispose]();
    },
  };
}

/** The bytes of a frame; what a client sends must be masked. */
export function frame(head: number, payload: string | number[] | Uint8Array, mask: boolean) {
  const bytes = typeof payload === "string"
    ? new TextEncoder().encode(payload)
    : Uint8Array.from(payload);
  const { length } = bytes;
  const first = mask ? 0x80 : 0;
  const lead = length < 126
    ? [head, first | length]
    : length < 65_536
    ? [head, first | 126, length >> 8, length & 255]
    : [
      head,
      first | 127,
      0,
      0,
      0,
      0,
      length >>> 24,
      length >> 16 & 255,
      length >> 8 & 255,
      length & 255,
    ];
  if (!mask) return Uint8Array.from([...lead, ...bytes]);
  const key = [0x37, 0xfa, 0x21, 0x3d];
  return Uint8Array.from([...lead, ...key, ...bytes.map((byte, at) => byte ^ key[at & 3]!)]);
}

/** A frame as it came. */
export interface Frame {
  head: number;
  payload: Uint8Array;
}

/** Receives a frame, masked or not; `null` when the connection has ended. */
export async function receiveFrame(sock: TcpSocket): Promise<Frame | null> {
  const [lead] = await sock.receive(2);
  if (lead === null) return null;
  const [head, second] = [lead[0]!, lead[1]!];
  let length = second & 127;
  if (length >= 126) {
    const [more] = await sock.receive(length === 126 ? 2 : 8);
    length = more!.reduce((sum, byte) => sum * 256 + byte, 0);
  }
  const key = second > 127 ? (await sock.receive(4))[0]! : new Uint8Array(4);
  const [payload] = await sock.receive(length);
  if (payload === null) return null;
  return { head, payload: payload.map((byte, at) => byte ^ key[at & 3]!) };
}

/** Asks a server for a WebSocket, in plain text; gives the socket and the answer's head. */
export async function handshake(
  port: number,
  headers: Record<string, string> = {},
): Promise<{ sock: TcpSocket; head: string }> {
  const sock = await unwrap(dial("127.0.0.1", port));
  const all = {
    Host: `127.0.0.1:${port}`,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}: ${value}\r\n`);
  await sock.send(["GET /chat HTTP/1.1\r\n", ...lines, "\r\n"]);
  const [head] = await sock.receiveuntil("\r\n\r\n", { encoding: "utf-8" });
  return { sock, head: head ?? "" };
}

/** Our server, and a client that is made of raw frames. */
export async function rawClient(options: UpgradeOptions = {}) {
  const door = acceptor(options);
  const { sock, head } = await handshake(door.port);
  assertEquals(head.split("\r\n")[0], "HTTP/1.1 101 Switching Protocols");
  const ours = await door.accept();
  return {
    ours,
    raw: sock,
    mask: true,
    async [Symbol.asyncDispose]() {
      // A raw peer answers no close: its end is what lets the runtime go.
      sock.close_immediately();
      await ours.close();
      await door[Symbol.asyncDispose]();
    },
  };
}

/** What a key is hashed with (RFC 6455). */
export const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The beginning of an answer to a handshake. */
export const SWITCHING =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

/** Answers the handshake of a client; what is `first` comes along with it. */
export async function answerHandshake(
  sock: TcpSocket,
  headers = "",
  first = new Uint8Array(),
): Promise<void> {
  const [head] = await sock.receiveuntil("\r\n\r\n", { encoding: "utf-8" });
  const key = /sec-websocket-key: (\S+)/i.exec(head ?? "")?.[1] ?? "";
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(key + GUID));
  await sock.send([
    SWITCHING,
    `Sec-WebSocket-Accept: ${new Uint8Array(digest).toBase64()}\r\n${headers}\r\n`,
    first,
  ]);
}

/** A client of ours, and a server that is made of raw frames. */
export async function rawServer(options: ConnectOptions = {}, headers = "") {
  const server = await unwrap(listen("127.0.0.1", 0));
  const connecting = connect(`ws://127.0.0.1:${server.port}/chat`, options);
  const sock = await unwrap(server.accept());
  await answerHandshake(sock, headers);
  const [ours, err] = await connecting;
  const dispose = async () => {
    sock.close_immediately();
    await ours?.close();
    await server.close();
  };
  if (err !== null) {
    await dispose();
    throw err;
  }
  return { ours, raw: sock, mask: false, [Symbol.asyncDispose]: dispose };
}
