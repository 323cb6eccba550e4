/**
 * Runs `body` while the runtime gives another name for the system: for what depends on that
 * name alone. Nothing else is as it is there.
 */
export async function onSystem<T>(
  os: typeof Deno.build.os,
  body: () => T | Promise<T>,
): Promise<T> {
  const build = Object.getOwnPropertyDescriptor(Deno, "build")!;
  Object.defineProperty(Deno, "build", { ...build, value: { ...Deno.build, os } });
  try {
    return await body();
  } finally {
    Object.defineProperty(Deno, "build", build);
  }
}
