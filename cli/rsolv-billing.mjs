#!/usr/bin/env node
// Runs the command line with the Node that is installed with the project. The one that npx was started with may be older, and
// cannot run TypeScript; so this file is plain JavaScript.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const main = join(import.meta.dirname, 'main.ts');
const child = spawn(installedNode(), [main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  // The AWS SDK need not be compiled for each command.
  env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '..', '.cache', 'node'), ...process.env },
});
// A terminal sends Ctrl-C to both of us. What has to be ended in order is the child's; we wait for it.
for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`rsolv-billing cannot start: ${error.message}. Run npm ci in the project's folder first.`);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});

function installedNode() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    return process.execPath;
  }
}
