/**
 * Sends every line back over TLS; SIGHUP reads the certificate anew, and nobody is cut off.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read examples/tls_echo.ts cert.pem key.pem 7002
 *     npx -y deno@2.9.6 task example tls_echo cert.pem key.pem 7002
 *
 * With `--once` it ends when its first client has left. Try it:
 * `openssl s_client -connect 127.0.0.1:7002 -servername localhost -quiet`.
 */
import { listen } from "@alilua/coevent/cosocket";
import { signal } from "@alilua/coevent/process";

const [certFile = "cert.pem", keyFile = "key.pem", port = "7002", mode] = Deno.args;

const read = () => ({
  cert: Deno.readTextFileSync(certFile),
  key: Deno.readTextFileSync(keyFile),
  alpn: ["echo/1"],
});

const [server, err] = await listen("127.0.0.1", Number(port), {
  ssl: read(),
  handshake_timeout: 5_000,
  // Scanners and impatient clients; they are no reason to stop.
  onerror: (err) => console.error(err.message),
});
if (err) {
  console.error(err.message);
  Deno.exit(1);
}

signal.register("SIGHUP", () => {
  const [, err] = server.setssl(read());
  console.log(err ? err.message : "the certificate was read anew");
});
signal.register("SIGINT", () => server.shutdown({ grace: 2_000 }));

await server.autospawn(async (sock) => {
  console.log(`${sock.servername() ?? "no name"} was asked for, ${sock.alpn() ?? "no ALPN"}`);
  for (;;) {
    const [line] = await sock.receive("*l");
    if (line === null) break;
    await sock.send([line, "\n"]);
  }
  if (mode === "--once") await server.close();
});
