import { EXIT } from './failure.ts';

/** One Ctrl-C arrives several times: from the terminal, and again from the launcher and npx. */
const SAME_SIGNAL_MS = 1_000;

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Does the same as a signal. */
  readonly request: () => void;
}

/**
 * Aborts on the first signal and exits immediately on the second. SIGHUP only aborts: a closed terminal sends
 * it more than once, so a second one is not an urgent request.
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
