import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<() => number>();

/**
 * Runs `answer` for a request that times out when `leftMs` returns 0. Everything `answer` awaits can read the
 * time left.
 */
export const withTimeLeft = <T>(leftMs: () => number, answer: () => Promise<T>): Promise<T> =>
  current.run(leftMs, answer);

/** Time left for the current request, in milliseconds. Infinite outside a request: schedules have minutes. */
export const timeLeftMs = (): number => current.getStore()?.() ?? Number.POSITIVE_INFINITY;
