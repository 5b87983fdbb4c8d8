export type WithoutUndefined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Only the parameters that were sent: a missing parameter changes nothing. */
export function withoutUndefined<T extends object>(fields: T | undefined): WithoutUndefined<T> {
  const present: WithoutUndefined<T> = {};
  for (const [name, value] of Object.entries(fields ?? {})) {
    if (value !== undefined) Reflect.set(present, name, value);
  }
  return present;
}
