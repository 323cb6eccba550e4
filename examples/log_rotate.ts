/**
 * Writes a log that is rotated at 2 KiB, of which three old files are kept, and lists them.
 *
 *     deno run --allow-read --allow-write examples/log_rotate.ts app.log
 *     npx -y deno@2.9.6 task example log_rotate app.log
 */
import { close_log, ERR, INFO, LOG, log_stats, logger, open_log } from "@alilua/coevent/log";

const [path = "app.log"] = Deno.args;

const [, err] = open_log(`${path},INFO,2Kx3`);
if (err) {
  console.error(err.message);
  Deno.exit(1);
}
const log = logger({ service: "example" });
for (let request = 1; request <= 150; request++) {
  log.info("answered", { request, path: "/index.html", ms: request % 7 });
}
LOG(INFO, "what came from outside:", "one line\nstays one line");
LOG(ERR, "the last line is written at once");
const { written, lost } = log_stats();
close_log();

console.log(`${written} lines written, ${lost} lost`);
const at = path.lastIndexOf("/") + 1;
const [folder, file] = [path.slice(0, at) || ".", path.slice(at)];
const names = [...Deno.readDirSync(folder)].map((entry) => entry.name);
for (const name of names.filter((name) => name.startsWith(file)).sort()) {
  const { size } = Deno.statSync(`${folder}/${name}`);
  console.log(`${String(size).padStart(5)} bytes  ${name}`);
}
