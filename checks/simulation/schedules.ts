import { BillingError } from '../../lib/errors.ts';
import { replayEvent } from '../../lib/operations/events/replay-event.ts';
import { joinHeldNotices } from '../../lib/operations/notices/join-held.ts';
import { resendNotice } from '../../lib/operations/notices/resend-notice.ts';
import { warnLowBalances } from '../../lib/operations/notices/warn-low-balances.ts';
import { reconcile } from '../../lib/operations/reconcile/run.ts';
import { sweep } from '../../lib/operations/work/sweep.ts';
import { parkedEvents } from '../../lib/store/events.ts';
import { unsentNotices } from '../../lib/store/notices.ts';
import { UnreadableItem } from '../../lib/store/record.ts';
import { isForSupport } from './checks/findings.ts';
import { forPeople } from './checks/for-people.ts';
import type { World } from './world.ts';

/* The scheduled functions, and what operators do about unfinished work. */

export async function settle(world: World): Promise<string> {
  const { settled, failed } = await sweep(world.deps);
  world.violateDefects(failed.map(({ error }) => error));
  return `settled ${settled}, open ${failed.length}`;
}

export async function warn(world: World): Promise<string> {
  const { warned, failed } = await warnLowBalances(world.deps);
  world.violateDefects(failed.map(({ error }) => error));
  const joined = await joinHeldNotices(world.deps);
  return `warned ${warned}, joined ${joined.digests}, failed ${failed.length + joined.failed}`;
}

export async function reconcileOnce(world: World, run: string): Promise<string> {
  const { state, report } = await reconcile(world.deps, { run });
  // Work in flight and torn reads must not be reported as drift. A finding that something could not be read
  // is allowed.
  const left = forPeople(world.double.state);
  const drift = report.drift.named.filter(({ message }) => !isForSupport(message, left));
  for (const { message } of drift) {
    if (!/could not be checked|applying it: \w+_unavailable/.test(message))
      world.violate(`the reconciliation reports drift: ${message}`);
  }
  return `${state}: drift ${drift.length}, missed ${report.missed.count}, open ${report.open.count}`;
}

export async function replayParked({ deps }: World): Promise<string> {
  let parked = 0;
  let applied = 0;
  for await (const event of parkedEvents(deps.table, deps.now())) {
    if (event instanceof UnreadableItem) throw event;
    const { eventId } = event;
    parked += 1;
    try {
      const { outcome } = await replayEvent(deps, eventId);
      if (outcome === 'processed') applied += 1;
    } catch (error) {
      if (!(error instanceof BillingError)) throw error;
    }
  }
  return `replayed ${parked}, applied ${applied}`;
}

export async function resendAll(world: World): Promise<string> {
  const { deps } = world;
  let unsent = 0;
  for await (const found of unsentNotices(deps.table, deps.now())) {
    unsent += 1;
    if ('unreadable' in found) {
      world.violate(`the notice ${found.unreadable.label} is unreadable`);
      continue;
    }
    const { customerId, content, id } = found.notice;
    await resendNotice(deps, { customerId, kind: content.kind, id });
  }
  return `unsent ${unsent}`;
}
