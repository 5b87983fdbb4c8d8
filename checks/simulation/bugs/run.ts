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
 * Puts each known mistake into the service and expects the simulation to find it within 50,000 operations, in an episode that
 * holds without it.
 */

const MAX_OPERATIONS = 50_000;
const SEED = 7;
/** Each mistake has a process of its own. */
const LANES = Math.max(2, availableParallelism());

/** Whether each was found. */
export async function huntBugs(): Promise<boolean> {
  const waiting = [...BUGS];
  let missed = 0;
  const lane = async () => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const { isFound, said } = await hunt(bug);
      if (!isFound) missed += 1;
      console.log(`${isFound ? 'found' : 'NOT FOUND'}  ${bug.name}: ${bug.what}\n    ${said}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (const { name, why, file, text } of LEFT_OUT) {
    console.log(`left out  ${name}: ${why}\n    found by ${file}: ${text}`);
  }
  console.log(`\n${BUGS.length - missed} of ${BUGS.length} bugs found`);
  return missed === 0;
}

async function hunt({ name }: Bug): Promise<{ isFound: boolean; said: string }> {
  const args = ['--import', inThisFolder('loader.ts'), inThisFolder('../main.ts')];
  const options = ['--seed', String(SEED), '--ops', String(MAX_OPERATIONS), '--first'];
  const child = spawn(process.execPath, [...args, ...options], {
    env: { ...process.env, BUG: name },
    // Without progress, which several at once would write over each other.
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
  if (episode === undefined) return { isFound: false, said: summary || errors.slice(-500) };
  // Then the changed code does not run at all, and nothing was found out about the mistake.
  if (/: (Reference|Syntax)Error: /.test(first)) return { isFound: false, said: first };
  // Without the mistake the same episode has to hold, or it was something else that was found.
  const { violations } = await runEpisode(episode, planOf(episode, STEPS));
  return { isFound: violations.length === 0, said: `${summary}; ${first}` };
}

function inThisFolder(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
