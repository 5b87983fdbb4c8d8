import { AsyncLocalStorage } from 'node:async_hooks';

/** Services that a request waits for. */
export type Dependency = 'dynamodb' | 'stripe' | 'ssm';

/** The calls of a request to one service. */
export interface Calls {
  readonly retries: number;
  readonly durationsMs: readonly number[];
}

interface Scope {
  readonly leftMs: () => number;
  readonly calls: Map<Dependency, Calls>;
}

const current = new AsyncLocalStorage<Scope>();

/**
 * Runs `answer` for a request that times out when `leftMs` returns 0. Everything `answer` awaits can read the
 * time left, and its calls to other services are counted.
 */
export const inRequest = <T>(leftMs: () => number, answer: () => Promise<T>): Promise<T> =>
  current.run({ leftMs, calls: new Map() }, answer);

/** Time left for the current request, in milliseconds. Infinite outside a request: schedules have minutes. */
export const timeLeftMs = (): number => current.getStore()?.leftMs() ?? Number.POSITIVE_INFINITY;

/** Counts a call of the current request. */
export function noteCall(dependency: Dependency, ms: number, retries = 0): void {
  const scope = current.getStore();
  if (scope === undefined) return;
  const before = callsTo(dependency);
  scope.calls.set(dependency, {
    durationsMs: [...before.durationsMs, ms],
    retries: before.retries + retries,
  });
}

/** The calls of the current request to one service so far. */
export const callsTo = (dependency: Dependency): Calls =>
  current.getStore()?.calls.get(dependency) ?? { durationsMs: [], retries: 0 };

/**
 * The calls of the current request, and its time left, as fields of its log line. Leaves out services that
 * were not called and retries that were not needed. The durations of concurrent calls count in full.
 */
export function requestFacts(): Record<string, number> {
  const scope = current.getStore();
  if (scope === undefined) return {};
  const facts = [...scope.calls].flatMap(([name, { durationsMs, retries }]) => [
    [`${name}_calls`, durationsMs.length] as const,
    [`${name}_ms`, Math.round(durationsMs.reduce((sum, ms) => sum + ms, 0))] as const,
    ...(retries > 0 ? [[`${name}_retries`, retries] as const] : []),
  ]);
  return { ...Object.fromEntries(facts), left_ms: scope.leftMs() };
}
