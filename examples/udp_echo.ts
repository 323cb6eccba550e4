/**
 * Sends every UDP datagram back to where it came from, and asks itself for one as a check.
 *
 *     deno run --allow-net examples/udp_echo.ts 127.0.0.1 0 1
 *     npx -y deno@2.9.6 task example udp_echo 127.0.0.1 0 1
 */
import { udp, unwrap } from "@alilua/coevent/cosocket";
import { newthread, startloop } from "@alilua/coevent/thread";

const [host = "127.0.0.1", port = "0", times = "Infinity"] = Deno.args;

await startloop(async () => {
  await using server = udp({ timeout: 0 });
  await unwrap(server.bind(host, Number(port)));
  const { ip, port: bound } = unwrap(server.localaddr());
  console.log(`echoes at ${ip}:${bound}`);

  newthread(async () => {
    await using client = udp({ encoding: "utf-8", timeout: 1_000 });
    await unwrap(client.setpeername(ip, bound));
    await unwrap(client.send("is anybody there?"));
    const [answer, err] = await client.receive();
    console.log(err ? err.message : `the answer: ${answer}`);
  });

  for (let n = 0; n < Number(times); n++) {
    const [bytes, from] = await unwrap(server.receivefrom());
    await unwrap(server.sendto(bytes, from.ip, from.port));
    console.log(`${bytes.length} B back to ${from.ip}`);
  }
});
