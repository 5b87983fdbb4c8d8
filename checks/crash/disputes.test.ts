import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyEvent } from '../../lib/operations/events/apply-event.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { requireFix } from '../../lib/operations/ledger/require-item.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether } from '../../lib/store/table.ts';
import { StripeFault } from '../../lib/stripe/fault.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { atStripe } from '../../test/support/http-money.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money } from '../../test/support/money.ts';
import { answering } from '../../test/support/stripe-answers.ts';
import { type Crashes, eventsSoFar, everyCrash, openCrashes, type Subject } from './every-crash.ts';

/* A dispute about an earlier charge arrives while the charge of another fix is announced. */

/** Longer than any request, so an attempt of this age is no longer in flight. */
const AGED_MS = 3 * 60 * 1000;

let crashes: Crashes;
let money: Money;
beforeAll(async () => {
  crashes = await openCrashes();
  ({ money } = crashes);
});
afterAll(() => crashes.stop());

interface Disputer extends Subject {
  readonly command: { readonly kind: 'bill'; readonly apiKey: string; readonly fixId: string };
}

/** A customer without credits who paid for one fix by card, and has recorded another fix. */
async function disputer(): Promise<Disputer> {
  const { customerId, apiKey } = await customerWithCard(money, 0, await money.newCard());
  await billFixAttempt(money.deps, customerId, await recordedFix(money.deps, customerId, 1));
  const fixId = await recordedFix(money.deps, customerId, 2);
  return { customerId, command: { kind: 'bill', apiKey, fixId } };
}

async function disputeTheFirst({ customerId }: Subject): Promise<void> {
  const first = atStripe(money, customerId).payments.at(-1);
  await money.control(`charges/${String(first?.latest_charge)}/dispute`);
  const opened = eventsSoFar(money, customerId).find(({ type }) => type === 'charge.dispute.created');
  if (opened === undefined) throw new Error('no charge.dispute.created');
  await applyEvent(money.deps, opened);
  expect((await headOf(money.deps, customerId)).openDisputes).toHaveLength(1);
}

/** A disputer with an announced charge for the second fix, old enough to settle: Stripe did not answer. */
async function announced(isMade: boolean): Promise<Disputer> {
  const one = await disputer();
  const before = { ...money.deps, now: () => new Date(Date.now() - AGED_MS) };
  const silent = await answering(before, (port) => ({
    chargeFix: async (order) => {
      if (isMade) await port.chargeFix(order);
      throw new StripeFault('indeterminate', {});
    },
  }));
  const billing = billFixAttempt(silent, one.customerId, one.command.fixId);
  await expect(billing).rejects.toMatchObject({ code: 'payment_pending' });
  await disputeTheFirst(one);
  return one;
}

const paidFor = ({ customerId, command: { fixId } }: Disputer): number =>
  atStripe(money, customerId).payments.filter(
    ({ metadata, status }) => metadata['fix_attempt_id'] === fixId && status === 'succeeded',
  ).length;

async function fixOf({ table }: PaymentDeps, { customerId, command: { fixId } }: Disputer) {
  const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
  return requireFix(item);
}

describe('with a dispute that arrives while a charge is announced, killed at every call', () => {
  it('billing a fix with a dispute, killed at any call, settles a payment that was made and never makes another', async () => {
    const paidBefore = new Map<string, number>();
    const { calls } = await everyCrash(crashes, {
      prepare: disputer,
      meanwhile: async (one) => {
        paidBefore.set(one.customerId, paidFor(one));
        await disputeTheFirst(one);
      },
      check: async (one) => {
        expect(paidFor(one)).toBe(paidBefore.get(one.customerId));
        const { billed } = await fixOf(money.deps, one);
        expect(billed === null ? 0 : 1).toBe(paidFor(one));
        const { head } = await expectSoundMoney(money, one.customerId);
        expect(head.balance).toBe(0);
      },
      // Billed; not charged because of the dispute; or possibly in flight and not sent again.
      answers: [200, 402, 503],
      sweptAfterMs: AGED_MS,
    });
    expect(calls).toContain('POST /v1/payment_intents');
  });

  it('closing a disputed charge that was not made, killed at any call, closes it and never sends it', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: () => announced(false),
      check: async ({ customerId }) => {
        expect(atStripe(money, customerId).paid).toEqual([2_900]);
        await expectSoundMoney(money, customerId);
      },
      answers: [402],
    });
    expect(calls).not.toContain('POST /v1/payment_intents');
  });

  it('settling a disputed charge that was made, killed at any call, bills the fix once', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: () => announced(true),
      check: async ({ customerId }) => {
        expect(atStripe(money, customerId).paid).toEqual([2_900, 2_900]);
        const { head } = await expectSoundMoney(money, customerId);
        expect(head.balance).toBe(0);
      },
    });
    expect(calls).not.toContain('POST /v1/payment_intents');
  });
});
