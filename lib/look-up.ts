/**
 * The entry of a table under a name that comes from outside. Undefined if there is none, also for names that
 * every object has, such as `constructor`.
 */
export const lookUp = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
