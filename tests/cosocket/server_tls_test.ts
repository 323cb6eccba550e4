import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  connect,
  type IoError,
  listen,
  type ListenOptions,
  type OpenOptions,
  type Server,
  type SslServerOptions,
  type TcpSocket,
  unwrap,
} from "../../cosocket/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { CERTS } from "./ends.ts";
import { turn } from "./servers.ts";

/** A second identity; as a server's it can be told from the first by its subject. */
const OTHER = CERTS.client;

const open = (ssl: Partial<SslServerOptions> = {}, options: ListenOptions<"lines"> = {}) =>
  unwrap(listen("127.0.0.1", 0, { ...options, ssl: { ...CERTS.server, ...ssl } }));

const dial = (server: Server, options: OpenOptions<"lines">["ssl"] & object = {}) =>
  connect("127.0.0.1", server.port, { ssl: { ca: CERTS.ca, ...options } });

async function echo(sock: TcpSocket): Promise<void> {
  for await (const line of sock.lines()) await sock.send(`${line}\n`);
}

/** The subject of the certificate that a server shows for a name. */
async function shownFor(server: Server, servername: string): Promise<unknown> {
  const [client, err] = await dial(server, { servername, verify: false });
  if (err !== null) return err.code;
  const name = client.peercert()?.subject.CN;
  await client.close();
  return name;
}

Deno.test("a TLS server gives sockets whose handshake is done, with ALPN and the peer's name", async () => {
  await using server = await open({ alpn: ["echo/1", "echo/2"] });
  const [[client, err], [served]] = await Promise.all([
    dial(server, { alpn: ["echo/2"], servername: "localhost" }),
    server.accept(),
  ]);
  assertEquals(err, null);
  assertEquals([client!.alpn(), served!.alpn()], ["echo/2", "echo/2"]);
  assertEquals([client!.servername(), served!.servername()], ["localhost", "localhost"]);
  assertEquals(client!.peercert()?.subjectaltname, "DNS:localhost, IP Address:127.0.0.1");
  assertEquals(served!.peercert(), null);
  await client!.send("hello\r\nrest");
  assertEquals(await served!.receive(), ["hello", null]);
  assertEquals((await served!.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
  await client!.shutdown("send");
  assertEquals(await served!.receive("*a", { encoding: "latin1" }), ["rest", null]);
  await served!.send("half-closed, still sending\n");
  assertEquals(await client!.receive(), ["half-closed, still sending", null]);
  assertEquals(server.connections, 1);
  await Promise.all([client!.close(), served!.close()]);
  assertEquals(server.connections, 0);
});

Deno.test("a TLS server asks for the client's certificate and shows it", async () => {
  const refused: IoError[] = [];
  const onerror = (err: IoError) => refused.push(err);
  await using server = await open({ ca: CERTS.ca, request_cert: true }, { onerror });
  const spawning = server.autospawn((sock) => {
    const cert = sock.peercert()!;
    return sock.send(
      [cert.subject.CN, cert.issuer.CN, cert.serial, cert.valid_from < cert.valid_to].join(" "),
    );
  });
  const [good] = await dial(server, CERTS.client);
  const [text] = await good!.receive("*a", { encoding: "utf-8" });
  assert(/^a client coevent test authority [0-9A-F]+ true$/.test(text!), text!);
  assert(/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/.test(good!.peercert()!.fingerprint256));
  await good!.close();
  assertEquals(good!.peercert(), null);
  const [bare] = await dial(server);
  assert((await bare!.receive())[0] === null);
  await bare!.close();
  await server.close();
  assertEquals(await spawning, [true, null]);
  assertEquals(refused.map((err) => err.code), ["tls"]);
  assertStringIncludes(refused[0]!.message, "the client showed no certificate");
});

Deno.test("a client that is slow to shake hands, or does not speak TLS, holds up nobody", async () => {
  const refused: unknown[] = [];
  const onerror = (err: IoError) => refused.push(err.code);
  await using server = await open({}, { onerror, handshake_timeout: 0 });
  const spawning = server.autospawn(echo);
  await using silent = await unwrap(connect("127.0.0.1", server.port));
  await using talker = await unwrap(connect("127.0.0.1", server.port));
  await talker.send("GET / HTTP/1.0\r\n\r\n");
  const [client] = await dial(server);
  await client!.send("hello\n");
  assertEquals(await client!.receive(), ["hello", null]);
  assert((await talker.receive("*l", { timeout: 0 }))[0] === null);
  assertEquals(refused, ["tls"]);
  await Promise.all([client!.close(), silent.close()]);
  await server.close();
  await spawning;
});

Deno.test("a client that does not shake hands in time is cut", async () => {
  const refused: unknown[] = [];
  const onerror = (err: IoError) => refused.push(err.code);
  await using server = await open({}, { onerror, handshake_timeout: 50 });
  const spawning = server.autospawn(echo);
  await using silent = await unwrap(connect("127.0.0.1", server.port));
  assert((await silent.receive("*l", { timeout: 0 }))[0] === null);
  assertEquals(refused, ["timeout"]);
  await server.close();
  await spawning;
});

Deno.test("close() cuts handshakes that are under way, and a late accept gives those done", async () => {
  await using server = await open({}, { handshake_timeout: 0 });
  const accepting = server.accept();
  const client = newthread(() => dial(server));
  while (server.connections === 0) await turn();
  server.interrupt();
  assertEquals((await accepting)[1]?.code, "cancelled");
  const [late] = await server.accept();
  await late!.send("late\n");
  const [sock] = await wait(client);
  assertEquals(await sock!.receive(), ["late", null]);
  await Promise.all([sock!.close(), late!.close()]);
  const waiting = server.accept();
  await using silent = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections === 0) await turn();
  await server.close();
  assertEquals((await waiting)[1]?.code, "closed");
  assert((await silent.receive("*l", { timeout: 0 }))[0] === null);
});

Deno.test("a handshake that begins after its acceptor was killed is done for the next one", async () => {
  await using server = await open();
  const accepting = newthread(() => server.accept());
  kill(accepting);
  assertEquals((await wait(accepting))[1]?.code, "killed");
  // While any killed thread unwinds, each wait asks whose it is.
  let unwind = () => {};
  const unwinding = newthread(() => new Promise<void>((resolve) => unwind = resolve));
  kill(unwinding);
  const [[client], [served]] = await Promise.all([dial(server), server.accept()]);
  await served!.send("hello\n");
  assertEquals(await client!.receive(), ["hello", null]);
  unwind();
  await Promise.all([client!.close(), served!.close()]);
});

Deno.test("setssl() shows other certificates from the next handshake on", async () => {
  await using server = await open();
  const spawning = server.autospawn(echo);
  await using old = await unwrap(dial(server));
  assertEquals(await shownFor(server, "localhost"), "localhost");
  const bad: [ssl: SslServerOptions, words: string][] = [
    [{ ...CERTS.server, key: OTHER.key }, "its key does not belong to its certificate"],
    [{ ...CERTS.server, cert: "junk" }, "its certificate cannot be read"],
    [{ ...CERTS.server, key: "junk" }, "its key cannot be read"],
    [{ ...CERTS.server, ca: "junk" }, "an authority cannot be read"],
  ];
  for (const [ssl, words] of bad) {
    const [, err] = server.setssl(ssl);
    assertEquals(err?.code, "tls");
    assertStringIncludes(err!.message, words);
    const [none, listenErr] = await listen("127.0.0.1", 0, { ssl });
    assertEquals([none, listenErr?.code], [null, "tls"]);
  }
  assertEquals(await shownFor(server, "localhost"), "localhost");
  assertEquals(server.setssl(OTHER), [true, null]);
  assertEquals(await shownFor(server, "localhost"), "a client");
  await old.send("old but alive\n");
  assertEquals(await old.receive(), ["old but alive", null]);
  await old.close();
  await server.close();
  await spawning;
  await using plain = await unwrap(listen("127.0.0.1", 0));
  assertEquals(plain.setssl(OTHER)[1]?.code, "unsupported");
});

Deno.test("sni chooses the certificate by the name that was asked for", async () => {
  const asked: string[] = [];
  const told: IoError[] = [];
  const sni = async (name: string) => {
    asked.push(name);
    await turn();
    if (name === "broken.example") throw new Error("no such host here");
    return name === "other.example" ? OTHER : null;
  };
  const onerror = (err: IoError) => told.push(err);
  await using server = await open({ sni }, { onerror });
  const spawning = server.autospawn(echo);
  assertEquals(await shownFor(server, "localhost"), "localhost");
  assertEquals(await shownFor(server, "other.example"), "a client");
  assertEquals(await shownFor(server, "other.example"), "a client");
  assertEquals(await shownFor(server, "broken.example"), "reset");
  assertEquals(asked, ["localhost", "other.example", "other.example", "broken.example"]);
  assertEquals(await shownFor(server, "127.0.0.1"), "localhost");
  await server.close();
  await spawning;
  assertEquals(told.map((err) => err.code), ["tls"]);
  assertStringIncludes(told[0]!.message, "no such host here");
});

Deno.test("sni and client certificates go together", async () => {
  const sni = () => OTHER;
  await using server = await open({ sni, ca: CERTS.ca, request_cert: true });
  const spawning = server.autospawn((sock) => sock.send(`${sock.peercert()?.subject.CN}\n`));
  const options = { ...CERTS.client, servername: "other.example", verify: false };
  const [client] = await dial(server, options);
  assertEquals(await client!.receive(), ["a client", null]);
  await client!.close();
  await server.close();
  await spawning;
});

Deno.test("a socket that a server accepted in plain text goes over to TLS", async () => {
  await using server = await unwrap(listen("127.0.0.1", 0));
  const spawning = server.autospawn(async (sock) => {
    await sock.send("220 ready\r\n");
    await sock.receive();
    await sock.sslhandshake({ server: CERTS.server, reply: "220 go\r\n" });
    await echo(sock);
  });
  await using client = await unwrap(connect("127.0.0.1", server.port));
  await client.receive();
  await client.send("STARTTLS\r\n");
  await client.receive();
  assertEquals(await client.sslhandshake({ ca: CERTS.ca }), [true, null]);
  await client.send("secret\n");
  assertEquals(await client.receive(), ["secret", null]);
  assertEquals(server.connections, 1);
  await client.close();
  await server.close();
  await spawning;
  while (server.connections > 0) await turn();
});
