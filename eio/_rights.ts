import { errnoOf } from "./_errors.ts";

/** Whose a file is, and who may do what with it; `null` where that is left as it comes. */
export interface Rights {
  uid: number | null;
  gid: number | null;
  mode: number;
}

/** To run as its owner or its group. */
const RUN_AS_OWNER = 0o4000;
const RUN_AS_GROUP = 0o2000;

/**
 * Gives a file the owner, group and mode of the one that it is to replace, as far as the
 * system lets us. Nobody may do more with it then: a group that is another one gets what
 * others have, and for another owner or group it is not run.
 */
export async function giveRights(path: string, { uid, gid, mode }: Rights): Promise<void> {
  if (Deno.build.os === "windows") return;
  const made = await Deno.stat(path);
  const grouped = gid === null || gid === made.gid || await given(path, null, gid);
  const owned = uid === null || uid === made.uid || await given(path, uid, null);
  let rights = mode;
  if (!owned) rights &= ~RUN_AS_OWNER;
  if (!grouped) rights = rights & ~RUN_AS_GROUP & ~0o070 | (rights & 0o007) << 3;
  // Last, for whoever gives a file away takes these bits from it.
  await Deno.chmod(path, rights);
}

/** False if the system does not let us. */
async function given(path: string, uid: number | null, gid: number | null): Promise<boolean> {
  try {
    await Deno.chown(path, uid, gid);
    return true;
  } catch (error) {
    // EINVAL: a container that has no such user.
    if (error instanceof Deno.errors.PermissionDenied || errnoOf(error) === "EINVAL") return false;
    throw error;
  }
}
