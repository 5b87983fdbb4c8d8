import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startGuarded } from '../../local/stack/guarded-process.ts';
import { freePort } from '../../local/stack/ports.ts';

/*
 * Runs the integration tests once more on AWS's own DynamoDB Local. The jar comes out of an npm package that carries
 * it; the package is unpacked, not installed, so that its many dependencies stay out of the project. Needs Java 17.
 */

const PACKAGE = 'amplify-dynamodb-simulator';
const VERSION = '2.9.30';
const CACHE = resolve('.cache', `${PACKAGE}-${VERSION}`);
const EMULATOR = join(CACHE, 'package', 'emulator');
const SUITES = [
  ['test/store', 'test/operations', 'test/http', 'checks/simulation/model.test.ts'],
  ['--config', 'checks/vitest.config.ts', 'checks/crash', 'checks/faults'],
];
const READY_WITHIN_MS = 30_000;
const STOP_GRACE_MS = 3_000;

if (!existsSync(EMULATOR)) {
  console.log(`Fetching ${PACKAGE}@${VERSION} …`);
  mkdirSync(CACHE, { recursive: true });
  const packed = execFileSync(
    'npm',
    ['pack', '--silent', '--pack-destination', CACHE, `${PACKAGE}@${VERSION}`],
    {
      encoding: 'utf8',
    },
  );
  execFileSync('tar', ['-xzf', join(CACHE, packed.trim()), '-C', CACHE]);
}

const port = await freePort();
const endpoint = `http://127.0.0.1:${port}`;
const libraries = join(EMULATOR, 'DynamoDBLocal_lib');
const jar = join(EMULATOR, 'DynamoDBLocal.jar');
const java = [
  'java',
  `-Djava.library.path=${libraries}`,
  '-jar',
  jar,
  '-inMemory',
  '-disableTelemetry',
  '-port',
  String(port),
];
// It writes notes of its own into the folder it runs in.
const engine = startGuarded(java, { cwd: CACHE });
try {
  await untilAnswers();
  for (const suite of SUITES) {
    const vitest = spawn('vitest', ['run', ...suite], {
      stdio: 'inherit',
      // Named like this, an engine is used by every test: none runs on the model of the table.
      env: { ...process.env, DYNAMODB_ENDPOINT: endpoint },
    });
    const [code] = await once(vitest, 'exit');
    if (code !== 0) process.exitCode = 1;
  }
} finally {
  await engine.stop(STOP_GRACE_MS);
}

async function untilAnswers(): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const answered = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (performance.now() > deadline)
      throw new Error(`DynamoDB Local did not start: ${engine.lastLines.join('\n')}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
