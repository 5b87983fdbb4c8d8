import { runEpisode } from './episode.ts';
import type { Step } from './plan.ts';

/** The most runs spent on looking for a smaller plan. */
const MAX_RUNS = 200;

/** The kind of a violation, without the customer. */
export const signatureOf = (violation: string): string =>
  violation
    .split('\n', 1)
    .join('')
    .replaceAll(/^\d+[s²]* /g, '')
    .replaceAll(/\b[0-9a-f]{16,}\b/g, '…')
    .replaceAll(/\b([a-z]+)_[0-9a-z]{16,}\b/g, '$1_…')
    .replaceAll(/\d+/g, 'n');

/**
 * A smaller plan with the same kind of violation. Leaves out steps, then faults, as long as the violation
 * remains. The other actors keep their randomness, so most of the rest happens as before.
 */
export async function shrunk(
  episode: string,
  plan: readonly Step[],
  signature: string,
): Promise<readonly Step[]> {
  let runs = 0;
  const stillFails = async (candidate: readonly Step[]): Promise<boolean> => {
    runs += 1;
    const { violations } = await runEpisode(episode, candidate);
    return violations.some((violation) => signatureOf(violation) === signature);
  };
  const without = (parts: readonly Step[], of: readonly Step[]) => of.filter((step) => !parts.includes(step));
  const calmed = (parts: readonly Step[], of: readonly Step[]) =>
    of.map((step) => (parts.includes(step) ? { ...step, faulty: false } : step));

  let smallest = plan;
  for (const change of [without, calmed]) {
    for (let size = Math.ceil(smallest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < smallest.length && runs < MAX_RUNS; ) {
        const part = smallest.slice(at, at + size);
        const candidate = change(part, smallest);
        const changesAnything = change === without || part.some(({ faulty }) => faulty);
        const isSmaller = changesAnything && (await stillFails(candidate));
        if (isSmaller) smallest = candidate;
        if (!isSmaller || change === calmed) at += size;
      }
    }
  }
  return smallest;
}
