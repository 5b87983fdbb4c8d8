import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runEpisode } from '../episode.ts';
import { planOf, STEPS } from '../plan.ts';
import type { Bug } from './bugs.ts';
import { LEFT_OUT } from './left-out.ts';
import { BUGS } from './table.ts';

/*
 * Adds each known bug to the service and expects the simulation to find it within 50,000 operations, in an
 * episode that has no violation without the bug.
 */

const MAX_OPERATIONS = 50_000;
const SEED = 7;
/** Each bug runs in its own process. */
const LANES = Math.max(2, availableParallelism());

/** Returns whether every bug was found. */
export async function huntBugs(): Promise<boolean> {
  const waiting = [...BUGS];
  let missed = 0;
  const lane = async () => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const { isFound, result } = await hunt(bug);
      if (!isFound) missed += 1;
      console.log(`${isFound ? 'found' : 'NOT FOUND'}  ${bug.name}: ${bug.what}\n    ${result}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (const { name, why, file, text } of LEFT_OUT) {
    console.log(`left out  ${name}: ${why}\n    found by ${file}: ${text}`);
  }
  console.log(`\n${BUGS.length - missed} of ${BUGS.length} bugs found`);
  return missed === 0;
}

async function hunt({ name }: Bug): Promise<{ isFound: boolean; result: string }> {
  const args = ['--import', inThisFolder('loader.ts'), inThisFolder('../main.ts')];
  const options = ['--seed', String(SEED), '--ops', String(MAX_OPERATIONS), '--first'];
  const child = spawn(process.execPath, [...args, ...options], {
    env: { ...process.env, BUG: name },
    // A pipe, not the terminal: concurrent progress lines would overwrite each other.
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await once(child, 'close');
  const [summary = '', , first = ''] = out.split('\n');
  const episode = /first in (\S+):/.exec(first)?.[1];
  if (episode === undefined) return { isFound: false, result: summary || errors.slice(-500) };
  // The patched code did not run, so the result says nothing about the bug.
  if (/: (Reference|Syntax)Error: /.test(first)) return { isFound: false, result: first };
  // Without the bug, the same episode must have no violation. Otherwise something else was found.
  const { violations } = await runEpisode(episode, planOf(episode, STEPS));
  return { isFound: violations.length === 0, result: `${summary}; ${first}` };
}

function inThisFolder(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
