/**
 * Copies files, FIFOs and terminals to standard output, one after the other, in pieces.
 *
 *     deno run --allow-read examples/cat.ts CHANGELOG.md
 *     npx -y deno@2.9.6 task example cat CHANGELOG.md
 */
import { open } from "@alilua/coevent/eio";

const PIECE = 64 * 1024;

for (const path of Deno.args.length > 0 ? Deno.args : ["CHANGELOG.md"]) {
  const [file, err] = await open(path, "r", { encoding: "bytes", timeout: 0 });
  if (err) {
    // The others are shown all the same.
    console.error(err.message);
    Deno.exitCode = 1;
    continue;
  }
  await using _ = file;
  for (;;) {
    const [piece, readErr] = await file.read(PIECE, { timeout: 0 });
    if (readErr) throw readErr;
    if (piece === null) break;
    for (let at = 0; at < piece.length;) at += await Deno.stdout.write(piece.subarray(at));
  }
}
