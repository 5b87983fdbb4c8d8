import { EXIT } from './failure.ts';

/** The launcher and npx each pass on a Ctrl-C that the terminal has sent us already: all of them are one wish. */
const SAME_SIGNAL_MS = 1_000;

export interface Interrupt {
  readonly signal: AbortSignal;
  /** As a signal would. */
  readonly request: () => void;
}

/**
 * Aborts at the first wish to end, and leaves at once at the second. A terminal that was closed says so more than once, and
 * nobody is left there who could be in a hurry.
 */
export function watchSignals(): Interrupt {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const request = () => {
    firstAt ??= performance.now();
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(EXIT.interrupted);
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, request);
  process.on('SIGHUP', () => controller.abort());
  return { signal: controller.signal, request };
}
