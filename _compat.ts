/**
 * Names that aLiLua keeps in one table and this collection in two modules: here, and
 * only here, they are joined.
 *
 * @module
 */
export * from "./cosocket/mod.ts";
export { popen } from "./process/mod.ts";
