/**
 * Hashes and base64 of 64 bytes, beside what Deno has for them.
 *
 *     deno task bench util
 */
import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import * as util from "../util/mod.ts";
import { compare, rate } from "./compare.ts";

const TIMES = 50_000;
const text = "x".repeat(64);
const bytes = new TextEncoder().encode(text);
const base64 = util.base64_encode(bytes);
let sink: unknown;

const times = (fn: () => unknown) => () =>
  rate(TIMES, () => {
    for (let n = 0; n < TIMES; n++) sink = fn();
  });

const CASES: Record<string, Record<string, () => unknown>> = {
  md5: {
    "node:crypto": () => createHash("md5").update(text).digest("hex"),
    "md5()": () => util.md5(text),
  },
  sha1: {
    "node:crypto": () => createHash("sha1").update(text).digest(),
    "sha1bin()": () => util.sha1bin(text),
  },
  "hmac sha1": {
    "node:crypto": () => createHmac("sha1", "key").update(text).digest("hex"),
    "hmac_sha1()": () => util.hmac_sha1(text, "key"),
  },
  "base64 encode": {
    "Buffer": () => Buffer.from(text).toString("base64"),
    "toBase64": () => bytes.toBase64(),
    "base64_encode(text)": () => util.base64_encode(text),
    "base64_encode(bytes)": () => util.base64_encode(bytes),
  },
  "base64 decode to text": {
    "Buffer": () => Buffer.from(base64, "base64").toString("latin1"),
    'base64_decode(text, "latin1")': () => util.base64_decode(base64, "latin1"),
  },
  "base64 decode to bytes": {
    "fromBase64": () => Uint8Array.fromBase64(base64),
    "new Uint8Array(64), the memory alone": () => new Uint8Array(64),
    "Buffer, from its pool": () => Buffer.from(base64, "base64"),
    "base64_decode(text)": () => util.base64_decode(base64),
  },
};

for (const [name, ways] of Object.entries(CASES)) {
  await compare({
    name,
    unit: "of 64 B/s",
    rounds: 9,
    contenders: Object.fromEntries(Object.entries(ways).map(([one, fn]) => [one, times(fn)])),
  });
}
if (sink === undefined) throw new Error("nothing was done");
