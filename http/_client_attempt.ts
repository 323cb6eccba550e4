import {
  afterTurn,
  Deadline,
  dying,
  IoError,
  now,
  park,
  refusal,
  type Result,
} from "../core/mod.ts";
import { fromFetch } from "./_client_error.ts";
import type { Life } from "./_client_life.ts";
import type { Hop } from "./_client_redirect.ts";
import type { Upload } from "./_client_upload.ts";

/** What one try needs beside the request itself. */
export interface Attempt {
  hop: Hop;
  upload: Upload | null;
  life: Life;
  /** Milliseconds without progress; 0 for no limit. */
  timeout: number;
  /** Gives whose connections are used, `undefined` for the runtime's own; may throw. */
  engine: () => Deno.HttpClient | undefined;
}

/** Why a `fetch` is aborted; nobody sees it. Without a reason, each abort makes an exception. */
const OVER = new IoError("closed", "The request is over");

/**
 * Sends a request and waits for the head of its response. Given up, or killed, the
 * connection is closed at once.
 *
 * `timeout` counts from the last piece that was sent, so that an upload may take its time.
 */
export async function attempt(one: Attempt): Promise<Result<Response>> {
  const { hop, upload, life, timeout, engine } = one;
  // A killed thread throws, and does not read that it was killed.
  const refused = dying === 0 ? null : refusal();
  if (refused !== null) return await refused;
  if (life.ended !== null) return await afterTurn<Result<Response>>([null, life.ended]);
  const abort = new AbortController();
  let ended = () => {};
  life.whenOver(() => {
    if (!life.whole) abort.abort(OVER);
    // The rest of an upload that the response did not wait for.
    upload?.stop();
    ended();
  });
  const action = `Cannot ${life.what}`;
  const [response, err] = await park<Result<Response>>(
    () => life.what,
    {},
    (wake) => {
      let over = false;
      ended = () => {
        giveUp();
        if (life.ended !== null) wake([null, life.ended]);
      };
      const giveUp = () => {
        over = true;
        limit.remove();
        abort.abort(OVER);
        upload?.stop();
      };
      const limit = new Deadline(() => {
        giveUp();
        wake([null, new IoError("timeout", `${action}: not within ${timeout} ms`)]);
      }, false);
      const progress = () => {
        if (timeout > 0 && timeout !== Infinity && !over) limit.set(now() + timeout);
      };
      progress();
      if (upload !== null) {
        upload.onPiece = progress;
        upload.onFailure = (err) => {
          giveUp();
          wake([null, err]);
        };
      }
      fetchHop(hop, upload, abort.signal, engine).then((response) => {
        limit.remove();
        ended = () => {};
        wake([response, null]);
      }, (error) => {
        limit.remove();
        ended = () => {};
        // Of one that was given up, the next try may have begun.
        if (!over) upload?.stop();
        wake([null, fromFetch(error, action)]);
      });
      return giveUp;
    },
  );
  return err === null ? [response, null] : await afterTurn<Result<Response>>([null, err]);
}

async function fetchHop(
  { method, url, headers, carries }: Hop,
  upload: Upload | null,
  signal: AbortSignal,
  engine: Attempt["engine"],
): Promise<Response> {
  const client = engine();
  return await fetch(url, {
    method,
    // None at all are taken in faster than none of them.
    ...(headers === null ? {} : { headers }),
    signal,
    // Ours decides where to go, and what goes along.
    redirect: "manual",
    ...(carries && upload !== null ? { body: upload.body() } : {}),
    ...(client === undefined ? {} : { client }),
  });
}
