/** The rules of reading and writing one TCP socket. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { newthread, wait } from "../../thread/mod.ts";
import { between, type Rule, text } from "./rule.ts";

const BYTES = { encoding: "latin1" } as const;

/** What `receiveuntil` is asked for, and what stands before the boundary: ambiguous ones. */
const BOUNDARIES: [boundary: string, sent: string, before: string][] = [
  ["--abcedhb", "hello, world! -agentzh\r\n--abcedhb blah blah", "hello, world! -agentzh\r\n"],
  ["aab", "aaab", "a"],
  ["aab", "aaaaaaab", "aaaaa"],
  ["abcabd", "abcabcabd", "abc"],
  ["aa", "baaa", "b"],
  ["--abc", "-----abc", "---"],
  ["\r\n\r\n", "a\r\n\r\r\n\r\n", "a\r\n\r"],
  ["ababc", "abababababc", "ababab"],
  ["aabaabaaa", "baabaabaabaaa", "baab"],
];

export const RECEIVE_RULES: Rule[] = [
  {
    of: "tcpsock:send",
    rule: "It gives the number of bytes that have been sent.",
    verdict: "same",
    here: "`[count, null]`",
    check: () =>
      between(async (sock, peer) => {
        assertEquals(await sock.send("hello"), [5, null]);
        assertEquals(text((await peer.receive(5))[0]), "hello");
      }),
  },
  {
    of: "tcpsock:send",
    rule: "It takes strings, numbers and nested tables of them as one message.",
    verdict: "same",
    here: "strings, bytes, numbers and nested arrays",
    check: () =>
      between(async (sock, peer) => {
        assertEquals(await sock.send(["a", ["b", 12, ["c"]]]), [5, null]);
        assertEquals(text((await peer.receive(5))[0]), "ab12c");
      }),
  },
  {
    of: "tcpsock:send",
    rule: "`nil` and booleans go out as the words `nil`, `true` and `false`.",
    verdict: "different",
    here: "a `TypeError`",
    why: "a forgotten value must not reach the wire as a word",
    check: () =>
      between((sock) => {
        for (const wrong of [null, undefined, true]) {
          assertThrows(() => sock.send(["a", wrong as unknown as string]), TypeError, "send wants");
        }
        return Promise.resolve();
      }),
  },
  {
    of: "tcpsock:send",
    rule: "It comes back when everything is with the system, or an error has happened.",
    verdict: "same",
    here: "the count is the whole count; `err.sent` tells of a part",
    check: () =>
      between(async (sock) => {
        const big = new Uint8Array(64 * 1024 * 1024);
        const [count, err] = await sock.send(big, { timeout: 20 });
        assertEquals([count, err?.code], [null, "timeout"]);
        assert(err!.sent! < big.length);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "Without an argument it reads a line (`*l`), and gives it without its line feed.",
    verdict: "same",
    here: "the same pattern, the same default",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("one\ntwo\n");
        assertEquals(await sock.receive(), ["one", null]);
        assertEquals(await sock.receive("*l"), ["two", null]);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "Every carriage return in a line is dropped.",
    verdict: "different",
    here: "only the one before the line feed is",
    why: "the others are data, and dropping them cannot be undone",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("a\rb\r\r\n");
        assertEquals(await sock.receive(), ["a\rb\r", null]);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "`*a` reads until the peer closes, and translates no line ends.",
    verdict: "same",
    here: 'the same; nothing left is an empty value, never `"closed"`',
    check: () =>
      between(async (sock, peer) => {
        await peer.send("one\r\ntwo");
        await peer.shutdown("send");
        assertEquals(await sock.receive("*a", BYTES), ["one\r\ntwo", null]);
        assertEquals(await sock.receive("*a", BYTES), ["", null]);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "A number reads exactly so many bytes.",
    verdict: "same",
    here: "the same; 0 gives an empty value at once",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("abcde");
        assertEquals(await sock.receive(0, BYTES), ["", null]);
        assertEquals(await sock.receive(2, BYTES), ["ab", null]);
        assertEquals(await sock.receive(3, BYTES), ["cde", null]);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "A string that looks like a number counts as one.",
    verdict: "different",
    here: "a `TypeError`",
    why: 'a pattern is `"*l"`, `"*a"` or a number, and a mistake is told at once',
    check: () =>
      between((sock) => {
        assertThrows(() => sock.receive("5" as "*l"), TypeError, "receive wants");
        return Promise.resolve();
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "What it gives is a string of bytes.",
    verdict: "different",
    here: 'lines are UTF-8 text, the rest bytes; `encoding: "latin1"` gives byte strings',
    why: "a string here holds characters; bytes that are no UTF-8 are `bad_text` and stay",
    check: () =>
      between(async (sock, peer) => {
        await peer.send([new Uint8Array([0xff, 10]), "é\n"]);
        assertEquals((await sock.receive())[1]?.code, "bad_text");
        assertEquals(await sock.receive("*l", BYTES), ["\xff", null]);
        assertEquals(await sock.receive(), ["é", null]);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "After a timeout it gives `nil`, `timeout` and the part that has come.",
    verdict: "different",
    here: "`timeout`, and the part stays in the socket, where `pending` counts it",
    why: "a receive that fails consumes nothing, so that no caller must keep parts",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("par");
        await sock.peek(3);
        assertEquals((await sock.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
        assertEquals(sock.pending, 3);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "A read that times out leaves the connection open.",
    verdict: "same",
    here: "the same, and the next read goes on where this one was",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("late ");
        await sock.peek(5);
        await sock.receive("*l", { timeout: 5 });
        await peer.send("line\n");
        assertEquals(await sock.receive(), ["late line", null]);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "An end in the middle of what was asked gives `nil`, `closed` and the part.",
    verdict: "different",
    here: '`eof`, and the part stays for `receive("*a")` or `receiveany()`',
    why: "`closed` is what we did; the end of the other side is told from it",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("unfinished");
        await peer.shutdown("send");
        assertEquals((await sock.receive())[1]?.code, "eof");
        assertEquals((await sock.receive(99))[1]?.code, "eof");
        assertEquals(await sock.receive("*a", BYTES), ["unfinished", null]);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "At the end of the stream it gives `nil` and `closed`.",
    verdict: "different",
    here: "`[null, null]`, again and again",
    why: "a clean end is no failure; aLiLua gives nil alone too",
    check: () =>
      between(async (sock, peer) => {
        await peer.shutdown("send");
        assertEquals(await sock.receive(), [null, null]);
        assertEquals(await sock.receive(5), [null, null]);
      }),
  },
  {
    of: "tcpsock:receive",
    rule: "Errors but for timeouts close the connection by themselves.",
    verdict: "different",
    here: "the socket stays until you close it",
    why: "what has come before the error can still be read, and the other direction used",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("rest");
        await peer.shutdown("send");
        assertEquals((await sock.receive())[1]?.code, "eof");
        assertEquals(sock.closed(), false);
        await sock.send("still\n");
        assertEquals(await peer.receive(), ["still", null]);
      }),
  },
  {
    of: "tcpsock:receiveany",
    rule: "It gives whatever is there, at most `max` bytes, and waits only for the first.",
    verdict: "same",
    here: "the same; `max` may be left out (64 KiB)",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("abcdef");
        await sock.peek(6);
        assertEquals(await sock.receiveany(4, BYTES), ["abcd", null]);
        assertEquals(text((await sock.receiveany())[0]), "ef");
      }),
  },
  {
    of: "tcpsock:receiveuntil",
    rule: "It gives a function that reads up to the boundary each time it is called.",
    verdict: "different",
    here: "each call of `receiveuntil` reads up to its boundary",
    why: "a closure holds nothing that the socket does not hold already",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("one--two--");
        for (const part of ["one", "two"]) {
          assertEquals(text((await sock.receiveuntil("--"))[0]), part);
        }
      }),
  },
  {
    of: "tcpsock:receiveuntil",
    rule: "The boundary is read and not given, unless `inclusive` is set.",
    verdict: "same",
    here: "the same option",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("one--two--x");
        assertEquals(text((await sock.receiveuntil("--"))[0]), "one");
        assertEquals(text((await sock.receiveuntil("--", { inclusive: true }))[0]), "two--");
        assertEquals(text((await sock.receive(1))[0]), "x");
      }),
  },
  {
    of: "tcpsock:receiveuntil",
    rule: "A boundary whose beginning comes again inside it is found all the same.",
    verdict: "same",
    here: "the first place where the whole boundary stands, however it is cut",
    check: () =>
      between(async (sock, peer) => {
        for (const [boundary, sent, before] of BOUNDARIES) {
          await peer.send(sent);
          assertEquals(text((await sock.receiveuntil(boundary))[0]), before, boundary);
          const rest = sent.length - before.length - boundary.length;
          if (rest > 0) await sock.receive(rest);
          // And byte by byte.
          for (const byte of `${before}${boundary}`) {
            await peer.send(byte);
            await sock.peek(1);
          }
          assertEquals(text((await sock.receiveuntil(boundary))[0]), before, boundary);
        }
      }),
  },
  {
    of: "tcpsock:receiveuntil",
    rule:
      "With a size it gives at most so many bytes a call, then what is left before the boundary.",
    verdict: "same",
    here: "the same pieces, whatever the size",
    check: () =>
      between(async (sock, peer) => {
        for (const [boundary, sent, before] of BOUNDARIES) {
          for (const size of [1, 2, 3, 64]) {
            await peer.send(sent);
            let all = "";
            for (let last: boolean | undefined = false; last !== true;) {
              const answer = await sock.receiveuntil(boundary, { size });
              assert(text(answer[0])!.length <= size, boundary);
              all += text(answer[0]);
              last = answer[2];
            }
            assertEquals(all, before, `${boundary} by ${size}`);
            await sock.receive(sent.length - before.length - boundary.length);
          }
        }
      }),
  },
  {
    of: "tcpsock:receiveuntil",
    rule: "That the boundary was met is told by one more call, which gives three times `nil`.",
    verdict: "different",
    here: "the piece that ends there has `true` as its third element",
    why: "`[null, null]` is the end of the stream, and nothing else",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("abcd--");
        const first = await sock.receiveuntil("--", { size: 3 });
        assertEquals([text(first[0]), first[2]], ["abc", false]);
        const second = await sock.receiveuntil("--", { size: 3 });
        assertEquals([text(second[0]), second[2]], ["d", true]);
      }),
  },
  {
    of: "tcpsock:receiveuntil",
    rule: "After the boundary was met, the next call begins anew behind it.",
    verdict: "same",
    here: "the same",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("ab--cd--");
        for (const part of ["ab", "cd"]) {
          const [piece, , last] = await sock.receiveuntil("--", { size: 9 });
          assertEquals([text(piece), last], [part, true]);
        }
      }),
  },
  {
    of: "tcpsock:receiveuntil",
    rule: "A call that timed out can be made again and goes on.",
    verdict: "same",
    here: "the same, and nothing was consumed meanwhile",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("half-");
        await sock.peek(5);
        assertEquals((await sock.receiveuntil("--", { timeout: 5 }))[1]?.code, "timeout");
        await peer.send("-rest");
        assertEquals(text((await sock.receiveuntil("--"))[0]), "half");
      }),
  },
  {
    of: "tcpsock:receiveuntil",
    rule: "An end before the boundary gives `nil`, `closed` and the part.",
    verdict: "different",
    here: "`eof`, and the part stays",
    why: "as for `receive`",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("no boundary");
        await peer.shutdown("send");
        assertEquals((await sock.receiveuntil("--"))[1]?.code, "eof");
        assertEquals(sock.pending, 11);
      }),
  },
  {
    of: "duplex",
    rule: "One thread may read while another writes the same socket.",
    verdict: "same",
    here: "the same",
    check: () =>
      between(async (sock, peer) => {
        const reading = newthread(() => sock.receive());
        assertEquals(await sock.send("question\n"), [9, null]);
        assertEquals(await peer.receive(), ["question", null]);
        await peer.send("answer\n");
        assertEquals(await wait(reading), ["answer", null]);
      }),
  },
  {
    of: "duplex",
    rule: "A second reader gets `socket busy reading`.",
    verdict: "same",
    here: "`busy`, and the first reader is not harmed",
    check: () =>
      between(async (sock, peer) => {
        const first = sock.receive();
        assertEquals((await sock.receive())[1]?.code, "busy");
        await peer.send("for the first\n");
        assertEquals(await first, ["for the first", null]);
      }),
  },
  {
    of: "duplex",
    rule: "A second writer gets `socket busy writing`.",
    verdict: "different",
    here: "sends wait in line, each goes out whole",
    why: "who only wants to send need not build a queue",
    check: () =>
      between(async (sock, peer) => {
        const sends = ["one\n", "two\n", "three\n"].map((line) => sock.send(line));
        for (const line of ["one", "two", "three"]) {
          assertEquals(await peer.receive(), [line, null]);
        }
        assertEquals((await Promise.all(sends)).map(([count]) => count), [4, 4, 6]);
      }),
  },
  {
    of: "tcpsock:close",
    rule: "It closes and gives 1; a second close gives `nil` and `closed`.",
    verdict: "different",
    here: "`[true, null]`, as often as you like",
    why: "cleaning up must not need to know what was cleaned up before",
    check: () =>
      between(async (sock) => {
        assertEquals(await sock.close(), [true, null]);
        assertEquals(await sock.close(), [true, null]);
        assertEquals((await sock.send("x"))[1]?.code, "closed");
      }),
  },
];
