import { ThrottlingException } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CustomerHead } from '../../../lib/domain/customer.ts';
import type { Posting } from '../../../lib/domain/ledger.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import {
  AlreadyRecorded,
  changeLedger,
  type LedgerChangeSpec,
  type LedgerDecision,
  type LedgerView,
  type Receipt,
} from '../../../lib/operations/ledger/change-ledger.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { recordEvent } from '../../../lib/store/events.ts';
import { type AdjustmentGuard, decodeAdjustmentGuard, guardAdjustment } from '../../../lib/store/guards.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { customerWith } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

/* The one way in which a ledger is changed: what it decides on, and what it does when somebody else was first. */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = { ...testDeps(await openTestTable()), sleep: async () => {} };
});

const AT = '2026-01-02T03:04:05.678Z';
const plus = (amount: number): Posting => ({ amount, source: 'adjustment', metadata: {} });
const FACTS: AdjustmentGuard = { amount: 9, reason: 'r', actor: 'a', balanceAfter: 9, seq: 9 };
const adjust = (customerId: string, idempotencyKey: string) =>
  adjustCredits(deps, customerId, { amount: 1, reason: 'r', actor: 'a', idempotencyKey });
const onceKey = (customerId: string, key: string) => keys.once(customerId, 'adjustment', key);

let events = 0;
function receiptOf(customerId: string): Receipt & { readonly eventId: string } {
  events += 1;
  const eventId = `evt_change${events}`;
  const record = { eventId, type: 'invoice.paid', objectId: 'in_1', createdAt: AT, receivedAt: AT } as const;
  const write = recordEvent({ ...record, outcome: 'processed', reason: 'applied', customerId });
  return { eventId, key: keys.event(eventId), write };
}

type Once = readonly (AdjustmentGuard | null)[];
type Seen = LedgerView<Once>;

/** A change under guards of these names that adds a credit; `views` is what each decision was made on. */
function specOf(
  customerId: string,
  names: readonly string[],
  views: Seen[],
  more: Partial<LedgerChangeSpec<Once, string, undefined>> = {},
): LedgerChangeSpec<Once, string, undefined> {
  return {
    customerId,
    onceKeys: names.map((name) => onceKey(customerId, name)),
    decodeOnce: (items) => items.map((item) => (item === undefined ? null : decodeAdjustmentGuard(item))),
    decide: (view): LedgerDecision<string> => {
      views.push(view);
      if (view.once.every((guard) => guard !== null)) return { kind: 'settled', outcome: 'done before' };
      return {
        kind: 'change',
        postings: [plus(1)],
        alongside: () => names.map((name) => guardAdjustment(customerId, name, FACTS)),
      };
    },
    ...more,
  };
}

const signedUp = async (): Promise<CustomerHead> => (await customerWith(deps, 5)).head;

/** The first `count` transactions fail as they do when two meet. */
async function meeting<T>(count: number, work: () => Promise<T>): Promise<T> {
  let left = count;
  deps.table.client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === 'TransactWriteItemsCommand' && left > 0) {
        left -= 1;
        throw new ThrottlingException({ message: 'slow down', $metadata: {} });
      }
      return next(args);
    },
    { step: 'initialize', priority: 'high', name: 'meeting' },
  );
  return work().finally(() => deps.table.client.middlewareStack.remove('meeting'));
}

describe('a change of the ledger', () => {
  it('answers the head as it stands afterwards, and its entries', async () => {
    const { customerId, revision } = await signedUp();
    const change = await changeLedger(deps, specOf(customerId, ['a'], []));
    const head = await headOf(deps, customerId);
    expect(change).toMatchObject({ kind: 'changed', head, entries: [{ amount: 1, seq: 2 }] });
    // Entries alone are no change of the profile.
    expect(head).toMatchObject({ balance: 6, revision, raisedSeq: 2 });
  });

  it('of the profile moves its revision, and nothing of the balance', async () => {
    const { customerId, revision } = await signedUp();
    const change = await changeLedger<null, never>(deps, {
      customerId,
      onceKeys: [],
      decodeOnce: () => null,
      decide: () => ({ kind: 'change', profile: { debt: 3 }, alongside: () => [] }),
    });
    const head = await headOf(deps, customerId);
    expect(change).toMatchObject({ kind: 'changed', head, entries: [] });
    expect(head).toMatchObject({ balance: 5, seq: 1, debt: 3, revision: revision + 1 });
  });

  it('that only holds aside leaves the head as it is', async () => {
    const { customerId } = await signedUp();
    const change = await changeLedger<null, never>(deps, {
      customerId,
      onceKeys: [],
      decodeOnce: () => null,
      decide: () => ({ kind: 'aside', alongside: [guardAdjustment(customerId, 'aside', FACTS)] }),
    });
    expect(change).toMatchObject({ kind: 'changed', head: await headOf(deps, customerId), entries: [] });
    const [guard] = await readTogether(deps.table, [onceKey(customerId, 'aside')]);
    expect(guard).toBeDefined();
  });

  it('is decided anew where what was read does not go together', async () => {
    const { customerId } = await signedUp();
    let asked = 0;
    const change = await changeLedger<null, string>(deps, {
      customerId,
      onceKeys: [],
      decodeOnce: () => null,
      decide: () => {
        asked += 1;
        return asked === 1 ? { kind: 'stale' } : { kind: 'settled', outcome: 'read again' };
      },
    });
    expect(change).toEqual({ kind: 'settled', outcome: 'read again' });
  });
});

describe('who was second', () => {
  it('decides on what came back with the refusal: the head, and the guard that was in the way', async () => {
    const head = await signedUp();
    await adjust(head.customerId, 'a');
    const views: Seen[] = [];
    const stale = { head, once: [null] };
    const change = await changeLedger(deps, specOf(head.customerId, ['a'], views), stale);
    expect(change).toEqual({ kind: 'settled', outcome: 'done before' });
    expect(views).toMatchObject([
      { head: { balance: 5 }, once: [null] },
      { head: { balance: 6 }, once: [{ amount: 1 }] },
    ]);
  });

  it('does so on guards that are there all together, and otherwise on those that were read', async () => {
    const head = await signedUp();
    await adjust(head.customerId, 'a');
    const views: Seen[] = [];
    const spec = specOf(head.customerId, ['a', 'b'], views, {
      decide: (view) => {
        views.push(view);
        return views.length === 3
          ? { kind: 'settled', outcome: 'seen' }
          : { kind: 'change', alongside: () => [guardAdjustment(head.customerId, 'a', FACTS)] };
      },
    });
    await changeLedger(deps, spec, { head, once: [null, null] });
    expect(views).toMatchObject([
      { head: { balance: 5 }, once: [null, null] },
      { head: { balance: 6 }, once: [null, null] },
      { head: { balance: 6 }, once: [{ amount: 1 }, null] },
    ]);
  });

  it('asks Stripe again before the next decision', async () => {
    const { customerId } = await signedUp();
    let looked = 0;
    const seen: (number | undefined)[] = [];
    const change = await changeLedger<null, never, number>(deps, {
      customerId,
      onceKeys: [],
      decodeOnce: () => null,
      look: async () => {
        looked += 1;
        // Somebody else writes between the look and the write.
        if (looked === 1) await adjust(customerId, 'between');
        return looked;
      },
      decide: (_view, answer) => {
        seen.push(answer);
        return { kind: 'change', postings: [plus(1)], alongside: () => [] };
      },
    });
    expect(seen).toEqual([1, 2]);
    expect(change).toMatchObject({ kind: 'changed', head: { balance: 7 } });
  });

  it('with an event that is not recorded yet goes on, and records it with its effect', async () => {
    const { customerId } = await signedUp();
    const receipt = receiptOf(customerId);
    let looked = 0;
    const change = await meeting(1, () =>
      changeLedger<null, never, null>(deps, {
        customerId,
        onceKeys: [],
        decodeOnce: () => null,
        receipt,
        look: async () => {
          looked += 1;
          if (looked === 2) await adjust(customerId, 'between');
          return null;
        },
        decide: () => ({ kind: 'change', postings: [plus(1)], alongside: () => [] }),
      }),
    );
    expect(looked).toBe(3);
    expect(change).toMatchObject({ kind: 'changed', head: { balance: 7 } });
    expect((await readTogether(deps.table, [receipt.key]))[0]).toMatchObject({ outcome: 'processed' });
  });

  it('with an event that was recorded meanwhile stops: its effect is there', async () => {
    const { customerId } = await signedUp();
    const receipt = receiptOf(customerId);
    const once = (key: string) =>
      changeLedger<null, never>(deps, {
        customerId,
        onceKeys: [],
        decodeOnce: () => null,
        receipt,
        decide: () => ({
          kind: 'change',
          postings: [plus(1)],
          alongside: () => [guardAdjustment(customerId, key, FACTS)],
        }),
      });
    await once('first');
    await expect(once('second')).rejects.toBeInstanceOf(AlreadyRecorded);
    expect((await headOf(deps, customerId)).balance).toBe(6);
  });
});
