/** How much a line matters: 1 (`DEBUG`) to 6 (`ERR`). From aLiLua. */
export type Level = 1 | 2 | 3 | 4 | 5 | 6;

/** The name of a level, as `open_log` takes it and as a line shows it. */
export type LevelName = "DEBUG" | "INFO" | "NOTICE" | "WARN" | "ALERT" | "ERR";

/** 1: of interest to who looks for a fault. */
export const DEBUG = 1;
/** 2: what happened, in the normal course. */
export const INFO = 2;
/** 3: out of the ordinary, but in order. What a log lets through if nothing else is said. */
export const NOTICE = 3;
/** 4: not as it should be. The level of a `LOG` that names none. */
export const WARN = 4;
/** 5: someone should look at it soon. */
export const ALERT = 5;
/** 6: something failed. Such lines are written at once. */
export const ERR = 6;
/** 7: as the level of a log, lets nothing through. No line has it. */
export const NO = 7;
