import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUGS } from './bugs/bugs.ts';
import { runEpisode } from './episode.ts';
import { planOf, STEPS } from './plan.ts';

describe('the simulation', () => {
  it.each(['41.0', '41.1', '42.0', '42.1'])(
    'nothing is lost, doubled or left open in episode %s',
    async (episode) => {
      const { violations, operations } = await runEpisode(episode, planOf(episode, STEPS));
      expect(violations).toEqual([]);
      expect(operations).toBeGreaterThan(STEPS);
    },
  );

  it('the same seed makes the same happen, step by step', async () => {
    const lived = async () => {
      const { world } = await runEpisode('43.0', planOf('43.0', 120), { traced: true });
      return world.trace;
    };
    const first = await lived();
    expect(first.length).toBeGreaterThan(200);
    expect(await lived()).toEqual(first);
  });
});

describe('the mistakes that the simulation is to find', () => {
  it.each(BUGS)('$name: stands where it can be made', ({ file, find }) => {
    expect(readFileSync(file, 'utf8')).toContain(find);
  });
});
