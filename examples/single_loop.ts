/**
 * Fetches a page over one socket and prints it line by line: aLiLua's "single loop".
 *
 *     deno run --allow-net examples/single_loop.ts 127.0.0.1 8080 /
 *     npx -y deno@2.9.6 task example single_loop 127.0.0.1 8080 /
 */
import { tcp } from "@alilua/coevent/cosocket";
import { startloop } from "@alilua/coevent/thread";

const [host = "127.0.0.1", port = "8080", path = "/"] = Deno.args;

await startloop(async () => {
  const sock = tcp();
  const [, err] = await sock.connect(host, Number(port));
  if (err) {
    console.error("Connect Error:", err.message);
    Deno.exitCode = 1;
    return;
  }
  await sock.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  for (;;) {
    const [line, err] = await sock.receive("*l");
    if (line === null) {
      if (err) console.log("Read Error:", err.code);
      break;
    }
    console.log(line);
  }
  // A body that does not end in a line feed leaves its last piece: nothing is lost.
  const [rest] = await sock.receive("*a", { encoding: "utf-8" });
  if (rest) console.log("The rest:", rest);
  await sock.close();
});
