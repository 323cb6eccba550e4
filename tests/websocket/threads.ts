/** The thread module, by its names and as a whole. */
export * from "../../thread/mod.ts";
export * as thread from "../../thread/mod.ts";
