/**
 * WebSockets, server and client, as streams of messages: timeouts that lose nothing, sends
 * that wait for a slow reader, close codes, a check of the page that connects.
 *
 * Frames, TLS and pings are the runtime's own (`Deno.upgradeWebSocket`, `WebSocket`).
 * Needs `--allow-net`.
 *
 * ```ts
 * import { connect, serve, unwrap } from "@alilua/coevent/websocket";
 *
 * await using talk = serve(async (socket) => {
 *   for await (const message of socket) await socket.send(`you said ${message}`);
 * });
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, talk.fetch);
 *
 * const socket = await unwrap(connect(`ws://127.0.0.1:${server.addr.port}`));
 * await socket.send("hello");
 * const [answer, err] = await socket.receive({ timeout: 1_000 });
 * console.log(answer, err); // you said hello null
 * await socket.close();
 * await server.shutdown();
 * ```
 *
 * @module
 */
export type {
  Bytes,
  ErrorCode,
  GoneReason,
  IoErrorOptions,
  ReadResult,
  Result,
  WaitOptions,
} from "../core/mod.ts";
export { IoError, unwrap, type Unwrapped } from "../core/mod.ts";
export { connect } from "./connect.ts";
export type { ShutdownOptions } from "./_goodbye.ts";
export { Hub, hub, type HubOptions, type HubSendOptions } from "./hub.ts";
export { Endpoint, serve, type SocketHandler } from "./serve.ts";
export { MessageSocket } from "./socket.ts";
export * from "./types.ts";
export { refusal, upgrade, type Upgraded } from "./upgrade.ts";
