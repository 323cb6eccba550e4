/** Connected sockets of every kind, both ends ours. */
import { assertEquals } from "@std/assert";
import { connect, from_conn, type TcpSocket, unwrap } from "../../cosocket/mod.ts";
import type { OpenOptions } from "../../cosocket/mod.ts";

const fixture = (name: string) => Deno.readTextFileSync(`tests/fixtures/${name}.pem`);

/** The certificates of tests/fixtures. */
export const CERTS = {
  ca: fixture("ca"),
  other_ca: fixture("other_ca"),
  server: { cert: fixture("server"), key: fixture("server_key") },
  client: { cert: fixture("client"), key: fixture("client_key") },
};

/** A client and the socket that serves it. */
export interface Connected extends AsyncDisposable {
  client: TcpSocket;
  served: TcpSocket;
}

async function bothClosed(client: TcpSocket, served: TcpSocket): Promise<void> {
  client.close_immediately();
  served.close_immediately();
  await client.close();
  await served.close();
}

/** Connects over TCP on loopback. */
export async function overTcp(options: OpenOptions<"lines"> = {}): Promise<Connected> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [client, conn] = await Promise.all([
    unwrap(connect("127.0.0.1", listener.addr.port, options)),
    listener.accept(),
  ]);
  const served = from_conn(conn);
  return { client, served, [Symbol.asyncDispose]: () => bothClosed(client, served) };
}

/** Connects over a Unix socket. */
export async function overUnix(): Promise<Connected> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  using listener = Deno.listen({ transport: "unix", path });
  const [client, conn] = await Promise.all([unwrap(connect(path)), listener.accept()]);
  await Deno.remove(folder, { recursive: true });
  const served = from_conn(conn);
  return { client, served, [Symbol.asyncDispose]: () => bothClosed(client, served) };
}

/** Connects over TCP and puts TLS on both ends. */
export async function overTls(): Promise<Connected> {
  const ends = await overTcp();
  const [server, client] = await Promise.all([
    ends.served.sslhandshake({ server: CERTS.server }),
    ends.client.sslhandshake({ ca: CERTS.ca }),
  ]);
  assertEquals([server, client], [[true, null], [true, null]]);
  return ends;
}
