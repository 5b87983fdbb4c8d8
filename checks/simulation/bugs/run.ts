import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runEpisode } from '../episode.ts';
import { planOf, STEPS } from '../plan.ts';
import type { Bug } from './bugs.ts';
import { BUGS } from './table.ts';

/*
 * Puts each of ten known mistakes into the service and expects the simulation to find it within 50,000 operations, in an
 * episode that holds without it.
 */

const MAX_OPERATIONS = 50_000;
const SEED = 7;

/** Whether each was found. */
export async function huntBugs(): Promise<boolean> {
  let missed = 0;
  for (const bug of BUGS) {
    const { isFound, said } = await hunt(bug);
    if (!isFound) missed += 1;
    console.log(`${isFound ? 'found' : 'NOT FOUND'}  ${bug.name}: ${bug.what}\n    ${said}`);
  }
  console.log(`\n${BUGS.length - missed} of ${BUGS.length} bugs found`);
  return missed === 0;
}

async function hunt({ name }: Bug): Promise<{ isFound: boolean; said: string }> {
  const args = ['--import', inThisFolder('loader.ts'), inThisFolder('../main.ts')];
  const options = ['--seed', String(SEED), '--ops', String(MAX_OPERATIONS), '--first'];
  const child = spawn(process.execPath, [...args, ...options], {
    env: { ...process.env, BUG: name },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  await once(child, 'close');
  const [summary = '', , first = ''] = out.split('\n');
  const episode = /first in (\S+):/.exec(first)?.[1];
  if (episode === undefined) return { isFound: false, said: summary };
  // Then the changed code does not run at all, and nothing was found out about the mistake.
  if (/: (Reference|Syntax)Error: /.test(first)) return { isFound: false, said: first };
  // Without the mistake the same episode has to hold, or it was something else that was found.
  const { violations } = await runEpisode(episode, planOf(episode, STEPS));
  return { isFound: violations.length === 0, said: `${summary}; ${first}` };
}

function inThisFolder(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
