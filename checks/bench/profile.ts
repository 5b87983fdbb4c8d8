import { type Profiler, Session } from 'node:inspector/promises';
import { range } from '../../test/support/fixtures.ts';
import { customerWithFixes } from './customers.ts';
import { type Frame, partOf } from './profile-parts.ts';
import { succeed } from './requests.ts';
import { type Setting, withoutOutput } from './setting.ts';

const CUSTOMERS_AT_ONCE = 8;
const FIXES_PER_CUSTOMER = 20;
const WARM_UP_ROUNDS = 2;
const ROUNDS = 8;
const SAMPLE_EVERY_MICROSECONDS = 200;

export interface Share {
  readonly part: string;
  /** Share of the time in which the process is busy, from 0 to 1. */
  readonly share: number;
}

/** Profiles the handler's process while it bills fixes from credits. The largest share comes first. */
export async function profileHandler({ deps }: Setting, progress: (what: string) => void): Promise<Share[]> {
  const { handler } = await import('../../functions/bill-fix-attempt.ts');
  const bill = async () => {
    const customers = await Promise.all(
      range(1, CUSTOMERS_AT_ONCE).map(() => customerWithFixes(deps, FIXES_PER_CUSTOMER)),
    );
    return async () => {
      await Promise.all(
        customers.map(async ({ apiKey, fixes }) => {
          for (const { id } of fixes) await succeed(handler, { apiKey, params: { id } });
        }),
      );
    };
  };
  progress('a profile of the handler');
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_MICROSECONDS });
    const timeOf = new Map<string, number>();
    for (const round of range(1, WARM_UP_ROUNDS + ROUNDS)) {
      const work = await bill();
      await session.post('Profiler.start');
      await withoutOutput(work);
      const { profile } = await session.post('Profiler.stop');
      if (round > WARM_UP_ROUNDS) addTimes(profile, timeOf);
    }
    const total = [...timeOf.values()].reduce((sum, time) => sum + time, 0);
    return [...timeOf]
      .map(([part, time]) => ({ part, share: time / total }))
      .toSorted((a, b) => b.share - a.share);
  } finally {
    session.disconnect();
  }
}

function addTimes(
  { nodes, samples = [], timeDeltas = [] }: Profiler.Profile,
  timeOf: Map<string, number>,
): void {
  const nodeOf = new Map(nodes.map((node) => [node.id, node]));
  const callerOf = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const partOfNode = new Map<number, string | null>();
  for (const { id } of nodes) {
    const stack: Frame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = callerOf.get(at)) {
      const node = nodeOf.get(at);
      if (node !== undefined) stack.push(node.callFrame);
    }
    partOfNode.set(id, partOf(stack));
  }
  for (const [i, id] of samples.entries()) {
    const part = partOfNode.get(id);
    if (typeof part === 'string') timeOf.set(part, (timeOf.get(part) ?? 0) + (timeDeltas[i] ?? 0));
  }
}
