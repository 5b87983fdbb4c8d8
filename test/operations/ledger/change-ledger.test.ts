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
import { bindStripeId, decodeOwner } from '../../../lib/store/owners.ts';
import { readTogether, writeTogether } from '../../../lib/store/table.ts';
import { withConflicts } from '../../support/conflicts.ts';
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
        writes: () => [guardAdjustment(customerId, 'goodwill', FACTS)],
        answer: written,
      }),
    });
    expect(change).toMatchObject({
      wrote: true,
      answer: { head: await headOf(deps, customerId), entries: [] },
    });
    const [guard] = await readTogether(deps.table, [onceKey(customerId, 'goodwill')]);
    expect(guard).toBeDefined();
  });

  it('a change that only writes related items is not delayed by a concurrent change of the head', async () => {
    const head = await signedUp();
    await adjust(head.customerId, 'concurrent');
    let decisions = 0;
    const spec: LedgerChangeSpec<null, Outcome> = {
      customerId: head.customerId,
      relatedKeys: [],
      decodeRelated: () => null,
      decide: () => {
        decisions += 1;
        return {
          kind: 'write',
          leavesHead: true,
          writes: () => [guardAdjustment(head.customerId, 'beside', FACTS)],
          answer: written,
        };
      },
    };
    // The view is older than the concurrent change.
    expect(await changeLedger(deps, spec, { head, related: null })).toMatchObject({ wrote: true });
    expect(decisions).toBe(1);
  });

  it.each([
    [0, true],
    [1, false],
  ])(
    'after %i conflicts, that what is written beside the first try only is stored: %s',
    async (conflicts, isStored) => {
      const { customerId } = await signedUp();
      const onFirstTry = [guardAdjustment(customerId, 'beside', FACTS)];
      const change = await withConflicts(deps.table, conflicts, () =>
        changeLedger(deps, specOf(customerId, ['a'], [], { onFirstTry })),
      );
      expect(change).toMatchObject({ wrote: true, answer: { head: { balance: 6 } } });
      const [beside] = await readTogether(deps.table, [onceKey(customerId, 'beside')]);
      expect(beside !== undefined).toBe(isStored);
    },
  );

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

  it('the loser of a race finds each returned item under its own key, also with equal sort keys', async () => {
    const head = await signedUp();
    const { customerId } = head;
    const ids = ['pm_one', 'pm_two'] as const;
    const owners = { pm_one: 'owner of one', pm_two: 'owner of two' };
    await writeTogether(
      deps.table,
      ids.map((id) => bindStripeId(id, owners[id])),
    );
    const seen: (readonly (string | undefined)[])[] = [];
    const spec: LedgerChangeSpec<readonly (string | undefined)[], string> = {
      customerId,
      relatedKeys: ids.map((id) => keys.stripe(id)),
      decodeRelated: (items) => items.map((item) => item && decodeOwner(item)),
      decide: ({ related }) => {
        seen.push(related);
        if (related.every((owner) => owner !== undefined)) return { kind: 'done', answer: 'both are taken' };
        return {
          kind: 'write',
          writes: () => ids.map((id) => bindStripeId(id, customerId)),
          answer: () => 'bound',
        };
      },
    };
    const change = await changeLedger(deps, spec, { head, related: [undefined, undefined] });
    expect(change).toEqual({ answer: 'both are taken', wrote: false });
    expect(seen.at(-1)).toEqual(['owner of one', 'owner of two']);
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
    const change = await withConflicts(deps.table, 1, () =>
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

  /** A change of one credit under the guard `key`. `decisions` counts how often it was decided. */
  const withEvent = (customerId: string, receipt: Receipt, key: string) => {
    let decisions = 0;
    const spec: LedgerChangeSpec<null, Outcome> = {
      customerId,
      relatedKeys: [],
      decodeRelated: () => null,
      receipt,
      decide: () => {
        decisions += 1;
        return {
          kind: 'write',
          postings: [plus(1)],
          writes: () => [guardAdjustment(customerId, key, FACTS)],
          answer: written,
        };
      },
    };
    return { spec, decisions: () => decisions };
  };

  it('a change with an event that was recorded meanwhile stops, because its effect exists', async () => {
    const { customerId } = await signedUp();
    const receipt = receiptOf(customerId);
    await changeLedger(deps, withEvent(customerId, receipt, 'first').spec);
    const second = changeLedger(deps, withEvent(customerId, receipt, 'second').spec);
    await expect(second).rejects.toBeInstanceOf(AlreadyRecorded);
    expect((await headOf(deps, customerId)).balance).toBe(6);
  });

  it('a change whose event and head were both written meanwhile stops without another decision', async () => {
    const head = await signedUp();
    const receipt = receiptOf(head.customerId);
    await changeLedger(deps, withEvent(head.customerId, receipt, 'first').spec);
    const { spec, decisions } = withEvent(head.customerId, receipt, 'second');
    const second = changeLedger(deps, spec, { head, related: null });
    await expect(second).rejects.toBeInstanceOf(AlreadyRecorded);
    expect(decisions()).toBe(1);
  });

  it('an event of a customer who was removed meanwhile does not count as recorded', async () => {
    const head = { ...(await signedUp()), customerId: 'f'.repeat(32) };
    const receipt = receiptOf(head.customerId);
    const late = changeLedger(deps, withEvent(head.customerId, receipt, 'late').spec, {
      head,
      related: null,
    });
    await expect(late).rejects.toMatchObject({ code: 'customer_not_found' });
    expect(await readTogether(deps.table, [receipt.key])).toEqual([undefined]);
  });
});
