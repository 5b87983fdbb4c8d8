import { once } from 'node:events';
import { readSettings } from '../cli/stage/local-settings.ts';
import { showProgress } from '../cli/terminal/progress.ts';
import { SetupError } from '../lib/settings/setup-error.ts';
import { curlLines } from './stack/curl-lines.ts';
import { watchParent } from './stack/parent.ts';
import { type Stack, startStack } from './stack/stack.ts';

/** npm passes a terminal's Ctrl-C on to us, which the terminal has sent us already: both are one wish. */
const SAME_SIGNAL_MS = 1_000;
/** Longer than the API and the engine are given to end, one after the other. */
const STOP_WITHIN_MS = 12_000;

// A reader that is gone (`npm start | head`, a closed terminal) must not end us before all is stopped.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const progress = showProgress(process.stderr);
const stopRequested = new AbortController();
stopOnSignals();
watchParent(() => stopRequested.abort());
process.exitCode = await run();
// Sockets that wait for their time to close would keep the process for seconds.
process.exit();

async function run(): Promise<0 | 1> {
  const { signal } = stopRequested;
  const aborted = once(signal, 'abort');
  try {
    const stack = await startStack(readSettings(process.env), {
      signal,
      onStep: progress.step,
      onLine: (line, stream) => process[stream].write(`${line}\n`),
    });
    progress.end();
    introduce(stack);
    const failure = await Promise.race([stack.failed, aborted.then(() => null)]);
    await stack.stop();
    if (failure !== null) throw failure;
  } catch (error) {
    progress.end();
    if (!signal.aborted) return report(error);
  }
  console.log('stopped');
  return 0;
}

function introduce({ url, engine, customer, tableName, stripe, mailbox }: Stack): void {
  const lines = [
    '',
    `RSOLV billing   ${url}`,
    `ledger          table ${tableName} on ${engine}`,
    stripe.describe,
    `mailbox         ${mailbox.url}   (e-mails that would have been sent; also in ${mailbox.file})`,
    `demo customer   ${customer.customerId}, ${customer.balance} credits`,
    `API key         ${customer.apiKey}`,
    '',
    ...curlLines(url, customer.apiKey, stripe.doubleUrl),
    '',
    `docs            ${url}/docs`,
    'Ctrl-C stops everything.',
    `ready ${url}`,
  ];
  console.log(lines.join('\n'));
}

function report(error: unknown): 1 {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  for (const line of error.output) console.error(`  ${line}`);
  return 1;
}

function stopOnSignals(): void {
  let firstAt: number | undefined;
  const onSignal = () => {
    firstAt ??= performance.now();
    // Asked again: leave at once.
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1);
    stopRequested.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  // However we leave, what we started ends with us: see guarded-process.ts.
  stopRequested.signal.addEventListener('abort', () =>
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref(),
  );
}
