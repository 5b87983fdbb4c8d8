#!/usr/bin/env node
// Runs the command line with the Node version that is installed with the project. npx may run this file with
// an older Node, which cannot run TypeScript. So this file is plain JavaScript.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const main = join(import.meta.dirname, 'main.ts');
const node = installedNode();
if (node === null) cannotStart('the packages are not installed');
else run(node);

function run(command) {
  const child = spawn(command, [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    // Compiles the AWS SDK once instead of for each command.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '..', '.cache', 'node'), ...process.env },
  });
  // A terminal sends Ctrl-C to both processes. The child shuts down in order, and this process waits for it.
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => cannotStart(error.message));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

/** Null if Node is not installed with the project. Then the other packages are missing too. */
function installedNode() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    return null;
  }
}

function cannotStart(reason) {
  console.error(`rsolv-billing cannot start: ${reason}. Run npm ci in the project's folder first.`);
  process.exitCode = 1;
}
