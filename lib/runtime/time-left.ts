import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<() => number>();

/** Answers a request whose function is ended when `leftMs` returns 0. All that the answer awaits can read the time that is left. */
export const withTimeLeft = <T>(leftMs: () => number, answer: () => Promise<T>): Promise<T> =>
  current.run(leftMs, answer);

/** How long the current request may still take, in milliseconds. Unbounded outside of a request: schedules have minutes. */
export const timeLeftMs = (): number => current.getStore()?.() ?? Number.POSITIVE_INFINITY;
