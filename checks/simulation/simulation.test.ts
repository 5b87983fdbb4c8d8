import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { patched } from '../support/patch.ts';
import { LEFT_OUT } from './bugs/left-out.ts';
import { BUGS } from './bugs/table.ts';
import { runEpisode } from './episode.ts';
import { planOf, STEPS } from './plan.ts';

describe('the simulation', () => {
  it.each(['42.1'])('nothing is lost, doubled or left open in episode %s', async (episode) => {
    const { violations, operations } = await runEpisode(episode, planOf(episode, STEPS));
    expect(violations).toEqual([]);
    expect(operations).toBeGreaterThan(STEPS);
  });

  it('the same seed gives the same trace, step by step', async () => {
    const lived = async () => {
      const { world } = await runEpisode('43.0', planOf('43.0', 120), { traced: true });
      return world.trace;
    };
    const first = await lived();
    expect(first.length).toBeGreaterThan(200);
    expect(await lived()).toEqual(first);
  });
});

describe('the deliberate bugs', () => {
  it.each(BUGS)('the patch of the bug $name applies', ({ patches }) => {
    expect(patches.length).toBeGreaterThan(0);
    for (const patch of patches) {
      const source = readFileSync(patch.file, 'utf8');
      expect(patched(source, [patch])).not.toBe(source);
    }
  });

  it('bugs have unique names, and the code that finds each left-out bug exists', () => {
    const names = [...BUGS, ...LEFT_OUT].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { file, text } of LEFT_OUT) expect(readFileSync(file, 'utf8')).toContain(text);
  });
});
