import { checkStream, type Ends } from "../contract/check_stream.ts";
import { type Connected, overTcp, overTls, overUnix } from "./ends.ts";

const KINDS: Record<string, () => Promise<Connected>> = {
  "TCP": overTcp,
  "TCP through node:net": () => overTcp({ keepidle: 60_000 }),
  "Unix socket": overUnix,
  "TLS": overTls,
};

for (const [kind, open] of Object.entries(KINDS)) {
  checkStream(`${kind}, from client to server`, async (): Promise<Ends> => {
    const { client, served } = await open();
    return { a: client, b: served };
  });
  checkStream(`${kind}, from server to client`, async (): Promise<Ends> => {
    const { client, served } = await open();
    return { a: served, b: client };
  });
}
