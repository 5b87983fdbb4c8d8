import { AsyncLocalStorage } from 'node:async_hooks';

/** Services that a request waits for. */
export type Dependency = 'dynamodb' | 'stripe' | 'ssm';

/** The calls of a request to one service. */
interface Calls {
  readonly calls: number;
  readonly retries: number;
  /** The sum of their durations. Concurrent calls count in full. */
  readonly ms: number;
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
  const before = scope.calls.get(dependency) ?? { calls: 0, retries: 0, ms: 0 };
  scope.calls.set(dependency, {
    calls: before.calls + 1,
    retries: before.retries + retries,
    ms: before.ms + ms,
  });
}

/**
 * The calls of the current request, and its time left, as fields of its log line. Leaves out services that
 * were not called and retries that were not needed.
 */
export function requestFacts(): Record<string, number> {
  const scope = current.getStore();
  if (scope === undefined) return {};
  const facts = [...scope.calls].flatMap(([name, { calls, retries, ms }]) => [
    [`${name}_calls`, calls] as const,
    [`${name}_ms`, Math.round(ms)] as const,
    ...(retries > 0 ? [[`${name}_retries`, retries] as const] : []),
  ]);
  return { ...Object.fromEntries(facts), left_ms: scope.leftMs() };
}
