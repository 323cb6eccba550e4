/** A program that shares streams, has them closed by their claimants, and drops them. */
import { claim, share, unwrap } from "../../context/mod.ts";
import { type BufferedStream, pair } from "../../stream/mod.ts";

declare const gc: () => void;

const dropped: WeakRef<BufferedStream>[] = [];

async function once(): Promise<void> {
  const [own, peer] = pair();
  dropped.push(new WeakRef(own));
  const far = unwrap(await claim(unwrap(share(own))));
  await far.close();
  await peer.close();
}

for (let n = 0; n < 100; n++) await once();
const left = () => dropped.filter((ref) => ref.deref() !== undefined).length;
// What was reached in a turn is kept for that turn.
for (let turns = 0; turns < 100 && left() > 0; turns++) {
  await new Promise((resolve) => setTimeout(resolve, 0));
  gc();
}
// The collector promises nothing about a single one.
console.log(left() < 10 ? "collected" : `${left()} left`);
