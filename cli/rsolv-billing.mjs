#!/usr/bin/env node
// Runs the command line with the Node that is installed with the project. The one that npx was started with may be older, and
// cannot run TypeScript; so this file is plain JavaScript.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const main = join(import.meta.dirname, 'main.ts');
const node = installedNode();
if (node === null) cannotStart('nothing is installed yet');
else run(node);

function run(command) {
  const child = spawn(command, [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    // The AWS SDK need not be compiled for each command.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '..', '.cache', 'node'), ...process.env },
  });
  // A terminal sends Ctrl-C to both of us. What has to be ended in order is the child's; we wait for it.
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => cannotStart(error.message));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

/** Null where it is not there, and so nothing else that is needed. */
function installedNode() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    return null;
  }
}

function cannotStart(why) {
  console.error(`rsolv-billing cannot start: ${why}. Run npm ci in the project's folder first.`);
  process.exitCode = 1;
}
