import { expect, it } from 'vitest';
import { runEpisode } from '../simulation/episode.ts';
import { planOf } from '../simulation/plan.ts';

const STEPS = 120;

/** Short lives of a few customers with every kind of failure. Their books catch what single tests miss. */
it.each(['1.0', '2.0', '3.0'])('the books are right after episode %s', async (episode) => {
  const { violations } = await runEpisode(episode, planOf(episode, STEPS));
  expect(violations).toEqual([]);
});
