/** A program whose main thread ends first. */
import { create, unwrap } from "../../context/mod.ts";

const code = (name: string) =>
  `data:text/javascript,export default (inside) => {
    inside.run(async () => {
      await new Promise((done) => setTimeout(done, 50));
      console.log("${name}");
    });
  }`;
await unwrap(create(code("a thread")));
await unwrap(create(code("a process"), { isolated: true }));
console.log("the main thread");
