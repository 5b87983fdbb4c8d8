import { once } from 'node:events';
import { readSettings } from '../cli/stage/local-settings.ts';
import { showProgress } from '../cli/terminal/progress.ts';
import { SetupError } from '../lib/settings/setup-error.ts';
import { EXIT_USAGE, readFlags, UsageError } from './stack/flags.ts';
import { startHelp } from './stack/help.ts';
import { introduction } from './stack/introduction.ts';
import { watchParent } from './stack/parent.ts';
import { startStack } from './stack/stack.ts';

/** One Ctrl-C arrives twice: from the terminal, and again from npm. */
const SAME_SIGNAL_MS = 1_000;
/** Longer than the stop of the API and then of the engine may take. */
const STOP_WITHIN_MS = 12_000;

// A closed reader (`npm start | head`, a closed terminal) must not end this process before everything is
// stopped.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const FLAGS = {
  watch: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const progress = showProgress(process.stderr);
const stopRequested = new AbortController();
stopOnSignals();
watchParent(() => stopRequested.abort());
process.exitCode = await run();
// Idle sockets would keep the process alive for seconds.
process.exit();

async function run(): Promise<number> {
  const { signal } = stopRequested;
  const aborted = once(signal, 'abort');
  try {
    const flags = readFlags('npm start --', FLAGS, process.argv.slice(2));
    if (flags.help) {
      console.log(startHelp());
      return 0;
    }
    // Without the two dashes before it (`npm start --watch`), npm takes the flag and sets this variable.
    const watch = flags.watch ?? process.env['npm_config_watch'] === 'true';
    const context = { env: { ...process.env }, folder: process.cwd(), watch };
    const stack = await startStack(readSettings(process.env), {
      signal,
      watch,
      onStep: progress.step,
      onLine: (line, stream) => process[stream].write(`${line}\n`),
    });
    progress.end();
    console.log(introduction(stack, context).join('\n'));
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

function report(error: unknown): number {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  for (const line of error.output) console.error(`  ${line}`);
  return error instanceof UsageError ? EXIT_USAGE : 1;
}

function stopOnSignals(): void {
  let firstAt: number | undefined;
  const onSignal = () => {
    firstAt ??= performance.now();
    // The second signal exits immediately.
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1);
    stopRequested.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  // Child processes never outlive this process: see guarded-process.ts.
  stopRequested.signal.addEventListener('abort', () =>
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref(),
  );
}
