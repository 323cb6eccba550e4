import { assertEquals } from "@std/assert";
import { status_text } from "../../http/mod.ts";

const rows: [status: number, text: string | null][] = [
  [200, "OK"],
  [204, "No Content"],
  [404, "Not Found"],
  [413, "Content Too Large"],
  [503, "Service Unavailable"],
  [299, null],
  [0, null],
];

for (const [status, text] of rows) {
  Deno.test(`status_text() gives ${text} for ${status}`, () => {
    assertEquals(status_text(status), text);
  });
}
