import { IoError } from "../core/mod.ts";

/** A user or group: its number, or its name. */
export type Owner = number | string;

/** Throws unless it is a number that the system takes, or a name. */
export function checkOwner(owner: Owner, name: string): void {
  if (typeof owner !== "number" && typeof owner !== "string") {
    throw new TypeError(`${name} must be a name or a number: got ${typeof owner}`);
  }
  if (typeof owner === "number" && !(Number.isInteger(owner) && owner >= 0)) {
    throw new RangeError(`${name} must be 0 or more: got ${owner}`);
  }
}

/** The number of a user or group, looked up in the system's list if it is a name. */
export async function idOf(owner: Owner, list: "/etc/passwd" | "/etc/group"): Promise<number> {
  if (typeof owner === "number") return owner;
  for (const line of (await Deno.readTextFile(list)).split("\n")) {
    const [name, , id] = line.split(":");
    if (name === owner && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  const kind = list === "/etc/passwd" ? "user" : "group";
  throw new IoError("not_found", `Cannot chown: there is no ${kind} '${owner}' in ${list}`);
}
