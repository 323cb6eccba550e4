/** Requests byte by byte, as no client of good manners sends them. */
import { assert } from "@std/assert";
import { connect, type TcpSocket, unwrap } from "../../cosocket/mod.ts";
import { type Handler, type HttpServer, listen, type ListenOptions } from "../../http/mod.ts";

/** Listens on a free port of this machine. */
export function serve(handler: Handler, options: ListenOptions = {}): Promise<HttpServer> {
  return unwrap(listen("127.0.0.1", 0, handler, options));
}

/** An answer, taken apart. */
export interface Answer {
  status: number;
  /** By names in lower case; of several of a name, the last. */
  headers: Map<string, string>;
  body: string;
  /** All of it, as it came. */
  text: string;
}

/** Opens a connection to a server of this machine. */
export function dial(port: number): Promise<TcpSocket> {
  return unwrap(connect("127.0.0.1", port));
}

/** Sends bytes as they are and gives all that comes until the connection ends. */
export async function send(port: number, bytes: string): Promise<string> {
  await using sock = await dial(port);
  await sock.send(bytes, { encoding: "latin1" });
  // A reset after an answer is as good an end as any.
  const [text, err] = await sock.receive("*a", { encoding: "latin1" });
  if (text !== null) return text;
  if (err.code === "timeout") throw err;
  const [rest] = await sock.receiveany(65_536, { encoding: "latin1" });
  return rest ?? "";
}

/** Sends a request whose connection ends with the answer. */
export async function ask(
  port: number,
  line: string,
  headers: string[] = [],
  body: string = "",
): Promise<Answer> {
  const head = [`${line} HTTP/1.1`, "Host: test", "Connection: close", ...headers];
  return parse(await send(port, `${head.join("\r\n")}\r\n\r\n${body}`));
}

/** Takes an answer apart. */
export function parse(text: string): Answer {
  const end = text.indexOf("\r\n\r\n");
  assert(end > 0, `no answer: ${JSON.stringify(text)}`);
  const [line, ...fields] = text.slice(0, end).split("\r\n");
  const headers = new Map(fields.map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  }));
  return {
    status: Number(line!.split(" ")[1]),
    headers,
    body: text.slice(end + 4),
    text,
  };
}

/** Receives one answer of a known length from a connection that stays open. */
export async function receiveAnswer(sock: TcpSocket): Promise<Answer> {
  const lines: string[] = [];
  for (;;) {
    const line = await unwrap(sock.receive("*l"));
    if (line === "") break;
    lines.push(line!);
  }
  const head = parse(`${lines.join("\r\n")}\r\n\r\n`);
  const length = Number(head.headers.get("content-length") ?? 0);
  const body = await unwrap(sock.receive(length, { encoding: "latin1" }));
  return { ...head, body: body as string };
}

/** Byte text as what it says in UTF-8. */
export function utf8(bytes: string): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}

/** What is in the chunks of a body. */
export function unchunked(body: string): string {
  let text = "";
  for (let at = 0;;) {
    const end = body.indexOf("\r\n", at);
    const length = parseInt(body.slice(at, end), 16);
    if (length === 0) return text;
    text += body.slice(end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
}
