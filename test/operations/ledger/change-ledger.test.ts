import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
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
  type Written,
} from '../../../lib/operations/ledger/change-ledger.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { recordEvent } from '../../../lib/store/events.ts';
import { type AdjustmentGuard, decodeAdjustmentGuard, guardAdjustment } from '../../../lib/store/guards.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

/* The only way to change a ledger: the state it decides on, and its retries after a concurrent change. */

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
  const write = recordEvent({
    ...record,
    outcome: 'processed',
    reason: 'applied',
    customerId,
    amount: null,
    currency: null,
  });
  return { eventId, key: keys.event(eventId), write };
}

type Once = readonly (AdjustmentGuard | null)[];
type View = LedgerView<Once>;

const written = ({ head, entries }: Written) => ({ head, entries });
type Outcome = ReturnType<typeof written>;

/**
 * A change that adds a credit under guards with these names. `views` collects what each decision was based
 * on.
 */
function specOf(
  customerId: string,
  names: readonly string[],
  views: View[],
  more: Partial<LedgerChangeSpec<Once, string | Outcome, undefined>> = {},
): LedgerChangeSpec<Once, string | Outcome, undefined> {
  return {
    customerId,
    relatedKeys: names.map((name) => onceKey(customerId, name)),
    decodeRelated: (items) => items.map((item) => (item === undefined ? null : decodeAdjustmentGuard(item))),
    decide: (view): LedgerDecision<string | Outcome> => {
      views.push(view);
      if (view.related.every((guard) => guard !== null)) return { kind: 'done', answer: 'done before' };
      return {
        kind: 'write',
        postings: [plus(1)],
        writes: () => names.map((name) => guardAdjustment(customerId, name, FACTS)),
        answer: written,
      };
    },
    ...more,
  };
}

const signedUp = async (): Promise<CustomerHead> => (await customerWith(deps, 5)).head;

/** The first `count` transactions during `work` conflict with another one. */
async function meeting<T>(count: number, work: () => Promise<T>): Promise<T> {
  let left = count;
  middlewareOf(deps.table).add(
    (next, context) => async (args) => {
      if (context.commandName === 'TransactWriteItemsCommand' && left > 0) {
        left -= 1;
        throw new TransactionConflictException({ message: 'busy', $metadata: {} });
      }
      return next(args);
    },
    { step: 'initialize', priority: 'high', name: 'meeting' },
  );
  return work().finally(() => middlewareOf(deps.table).remove('meeting'));
}

describe('a change of the ledger', () => {
  it('a ledger change returns the head after it, and its entries', async () => {
    const { customerId, revision } = await signedUp();
    const change = await changeLedger(deps, specOf(customerId, ['a'], []));
    const head = await headOf(deps, customerId);
    expect(change).toMatchObject({ wrote: true, answer: { head, entries: [{ amount: 1, seq: 2 }] } });
    // Entries alone do not change the profile.
    expect(head).toMatchObject({ balance: 6, revision, raisedSeq: 2 });
  });

  it('a profile change increases its revision, and leaves the balance', async () => {
    const { customerId, revision } = await signedUp();
    const change = await changeLedger<null, Outcome>(deps, {
      customerId,
      relatedKeys: [],
      decodeRelated: () => null,
      decide: () => ({ kind: 'write', profile: { debt: 3 }, writes: () => [], answer: written }),
    });
    const head = await headOf(deps, customerId);
    expect(change).toMatchObject({ wrote: true, answer: { head, entries: [] } });
    expect(head).toMatchObject({ balance: 5, seq: 1, debt: 3, revision: revision + 1 });
  });

  it('a ledger change that only writes related items leaves the head unchanged', async () => {
    const { customerId } = await signedUp();
    const change = await changeLedger<null, Outcome>(deps, {
      customerId,
      relatedKeys: [],
      decodeRelated: () => null,
      decide: () => ({
        kind: 'write',
        leavesHead: true,
        writes: () => [guardAdjustment(customerId, 'aside', FACTS)],
        answer: written,
      }),
    });
    expect(change).toMatchObject({
      wrote: true,
      answer: { head: await headOf(deps, customerId), entries: [] },
    });
    const [guard] = await readTogether(deps.table, [onceKey(customerId, 'aside')]);
    expect(guard).toBeDefined();
  });

  it('a ledger change is decided again if the reads do not fit together', async () => {
    const { customerId } = await signedUp();
    let asked = 0;
    const change = await changeLedger<null, string>(deps, {
      customerId,
      relatedKeys: [],
      decodeRelated: () => null,
      decide: () => {
        asked += 1;
        return asked === 1 ? { kind: 'stale' } : { kind: 'done', answer: 'read again' };
      },
    });
    expect(change).toEqual({ answer: 'read again', wrote: false });
  });
});

describe('who was second', () => {
  it('the loser of a race decides on what came with the refusal: the head, and the guard', async () => {
    const head = await signedUp();
    await adjust(head.customerId, 'a');
    const views: View[] = [];
    const stale = { head, related: [null] };
    const change = await changeLedger(deps, specOf(head.customerId, ['a'], views), stale);
    expect(change).toEqual({ answer: 'done before', wrote: false });
    expect(views).toMatchObject([
      { head: { balance: 5 }, related: [null] },
      { head: { balance: 6 }, related: [{ amount: 1 }] },
    ]);
  });

  it('the loser of a race uses returned guards only if all are returned, and otherwise those it read', async () => {
    const head = await signedUp();
    await adjust(head.customerId, 'a');
    const views: View[] = [];
    const spec = specOf(head.customerId, ['a', 'b'], views, {
      decide: (view) => {
        views.push(view);
        return views.length === 3
          ? { kind: 'done', answer: 'seen' }
          : {
              kind: 'write',
              writes: () => [guardAdjustment(head.customerId, 'a', FACTS)],
              answer: written,
            };
      },
    });
    await changeLedger(deps, spec, { head, related: [null, null] });
    expect(views).toMatchObject([
      { head: { balance: 5 }, related: [null, null] },
      { head: { balance: 6 }, related: [null, null] },
      { head: { balance: 6 }, related: [{ amount: 1 }, null] },
    ]);
  });

  it('the loser of a race asks Stripe again before the next decision', async () => {
    const { customerId } = await signedUp();
    let looked = 0;
    const seen: (number | undefined)[] = [];
    const change = await changeLedger<null, Outcome, number>(deps, {
      customerId,
      relatedKeys: [],
      decodeRelated: () => null,
      fetchCurrent: async () => {
        looked += 1;
        // A concurrent write between the read and the write.
        if (looked === 1) await adjust(customerId, 'between');
        return looked;
      },
      decide: (_view, answer) => {
        seen.push(answer);
        return { kind: 'write', postings: [plus(1)], writes: () => [], answer: written };
      },
    });
    expect(seen).toEqual([1, 2]);
    expect(change).toMatchObject({ wrote: true, answer: { head: { balance: 7 } } });
  });

  it('a change with an unrecorded event continues, and records the event with its effect', async () => {
    const { customerId } = await signedUp();
    const receipt = receiptOf(customerId);
    let looked = 0;
    const change = await meeting(1, () =>
      changeLedger<null, Outcome, null>(deps, {
        customerId,
        relatedKeys: [],
        decodeRelated: () => null,
        receipt,
        fetchCurrent: async () => {
          looked += 1;
          if (looked === 2) await adjust(customerId, 'between');
          return null;
        },
        decide: () => ({ kind: 'write', postings: [plus(1)], writes: () => [], answer: written }),
      }),
    );
    expect(looked).toBe(3);
    expect(change).toMatchObject({ wrote: true, answer: { head: { balance: 7 } } });
    expect((await readTogether(deps.table, [receipt.key]))[0]).toMatchObject({ outcome: 'processed' });
  });

  it('a change with an event that was recorded meanwhile stops, because its effect exists', async () => {
    const { customerId } = await signedUp();
    const receipt = receiptOf(customerId);
    const change = (key: string) =>
      changeLedger<null, Outcome>(deps, {
        customerId,
        relatedKeys: [],
        decodeRelated: () => null,
        receipt,
        decide: () => ({
          kind: 'write',
          postings: [plus(1)],
          writes: () => [guardAdjustment(customerId, key, FACTS)],
          answer: written,
        }),
      });
    await change('first');
    await expect(change('second')).rejects.toBeInstanceOf(AlreadyRecorded);
    expect((await headOf(deps, customerId)).balance).toBe(6);
  });
});
