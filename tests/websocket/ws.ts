/** npm's `ws`, which is not ours, as far as the tests use it. */
import * as module from "ws";
import type { Buffer } from "node:buffer";

/** One end of a connection. */
export interface WsSocket {
  protocol: string;
  on(event: "open", then: () => void): void;
  on(event: "message", then: (data: Buffer, binary: boolean) => void): void;
  on(event: "close", then: (code: number, reason: Buffer) => void): void;
  on(event: "error", then: (error: Error) => void): void;
  on(event: "ping" | "pong", then: (data: Buffer) => void): void;
  send(data: string | Uint8Array, options?: { binary?: boolean; fin?: boolean }): void;
  ping(data?: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/** A server. */
export interface WsServer {
  on(event: "listening", then: () => void): void;
  on(event: "connection", then: (socket: WsSocket) => void): void;
  address(): { port: number };
  close(then: () => void): void;
}

interface Ws {
  WebSocket: new (url: string, protocols?: string[], options?: object) => WsSocket;
  WebSocketServer: new (options: object) => WsServer;
}

export const { WebSocket, WebSocketServer } = module as unknown as Ws;
