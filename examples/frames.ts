/**
 * Frames with a length of 2 bytes in front: three listeners hear what is broadcast, and one asks.
 *
 *     deno run --allow-net=127.0.0.1 examples/frames.ts
 *     npx -y deno@2.9.6 task example frames
 */
import { connect, listen, type TcpSocket, unwrap } from "@alilua/coevent/cosocket";
import { broadcast } from "@alilua/coevent/stream";
import { newthread, startloop, wait } from "@alilua/coevent/thread";

const FRAMES = {
  read_head_bytes: 2,
  read_head_endian: "B",
  read_head_max: 1_000,
  write_head_bytes: 2,
  write_head_endian: "B",
} as const;

await startloop(async () => {
  const server = unwrap(await listen("127.0.0.1", 0, { encoding: "utf-8" }));
  const present = new Set<TcpSocket<"utf-8">>();

  newthread(() =>
    server.autospawn(async (sock) => {
      sock.set_rwopt(FRAMES);
      present.add(sock);
      sock.on_disconnect(() => present.delete(sock));
      await sock.send_frame("welcome");
      for (;;) {
        const [question, err] = await sock.receive_frame({ timeout: 0 });
        if (question === null) return err && console.error(err.message);
        // Encoded once, however many there are.
        await broadcast(present, `somebody asked: ${question}`, { timeout: 1_000 });
      }
    })
  );

  const listeners = ["Ann", "Bob", "Cid"].map((name) =>
    newthread(async () => {
      const sock = unwrap(await connect("127.0.0.1", server.port));
      await using _ = sock;
      sock.set_rwopt(FRAMES);
      const welcome = unwrap(await sock.receive_frame({ encoding: "utf-8" }));
      if (present.size === 3) await sock.send_frame("is everybody here?");
      const heard = unwrap(await sock.receive_frame({ encoding: "utf-8" }));
      console.log(`${name}: ${welcome}, ${heard}`);
      const [, tooLong] = await sock.send_frame("x".repeat(70_000));
      return tooLong?.code;
    })
  );

  console.log("a frame of 70,000 bytes:", (await wait(listeners)).map(([code]) => code).join(" "));
  await server.close();
});
