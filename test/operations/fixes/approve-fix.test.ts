import { beforeAll, describe, expect, it } from 'vitest';
import { type CardTries, NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import {
  approveFixPayment,
  followFixPayment,
  readFixApproval,
} from '../../../lib/operations/fixes/approve-fix.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { settleFixPayment } from '../../../lib/operations/fixes/record-payment.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { announceCharge, decodeFix, endCharge } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { keepCardTries, readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { readOne, writeTogether } from '../../../lib/store/table.ts';
import type { StripeFaultFacts, StripeFaultKind } from '../../../lib/stripe/fault.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWithCard, expectSoundMoney, type Money, openMoneyForFile } from '../../support/money.ts';
import { attachedCard, putDefault } from '../../support/past-due.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* The cardholder approves the payment of a fix. */

let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  ({ money } = opened);
  return opened.stop;
});

const RETURN_URL = 'https://billing.test/billing/plan/return';

/** A fix whose payment was made without the cardholder, so the bank asks for an approval. */
async function askedFix() {
  const who = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
  const { customerId } = who;
  const fixId = await recordedFix(money.deps, customerId, 1);
  await billFixAttempt(money.deps, customerId, fixId);
  const payments = () =>
    money.double.state.paymentIntents.newestFirst.filter(
      ({ metadata }) => metadata['customer_id'] === customerId,
    );
  const fix = async () => {
    const found = await readOne(money.deps.table, keys.fix(customerId, fixId), decodeFix);
    if (found?.charge == null) throw new Error('nothing was charged');
    return { ...found, charge: found.charge };
  };
  return {
    ...who,
    fixId,
    fix,
    payments,
    statuses: () => payments().map(({ status }) => status),
    approve: (deps = money.deps) => approveFixPayment(deps, customerId, fixId, RETURN_URL),
    answer: async (succeeds: boolean) => {
      const { paymentIntentId } = (await fix()).charge;
      await money.control(`payment_intents/${paymentIntentId}/authenticate`, { succeeds });
    },
  };
}

/** Deps for a call that must not reach Stripe. */
const withoutStripe = (): PaymentDeps => ({
  ...money.deps,
  stripe: () => Promise.reject(new Error('Stripe was called')),
});

describe('an approval while Stripe fails', () => {
  it.each(['500_before', '500_after'] as const)(
    'Stripe keeps a %s under its key, and the customer can still approve the payment',
    async (kind) => {
      const { customerId, payments, approve } = await askedFix();
      money.double.faults.add({ path: '/v1/payment_intents/*/confirm', kind });
      const waiting = await approve().catch(approve);
      money.double.faults.clear();
      if (waiting.kind !== 'waiting') throw new Error(`the approval is ${waiting.kind}`);
      await money.control(`payment_intents/${waiting.approval.paymentIntentId}/authenticate`, {
        succeeds: true,
      });
      expect(await approve()).toEqual({ kind: 'settled' });
      expect(payments().map(({ status }) => status)).toEqual(['succeeded']);
      await expectSoundMoney(money, customerId);
    },
  );

  it('a 500 that Stripe repeats for a key and that confirmed nothing is passed over with the next key', async () => {
    const { payments, approve } = await askedFix();
    const deps = await answering(money.deps, (port) => ({
      confirmOnSession: (sent) =>
        sent.idempotencyKey.endsWith(':1')
          ? failing('indeterminate', { answered: true, replayed: true })()
          : port.confirmOnSession(sent),
    }));
    expect(await approve(deps)).toMatchObject({ kind: 'waiting' });
    expect(payments().map(({ status }) => status)).toEqual(['requires_action']);
  });

  it('while Stripe answers 500 to every key, nothing is charged and the answer says to try again', async () => {
    const { customerId, payments, approve } = await askedFix();
    money.double.faults.add({ path: '/v1/payment_intents/*/confirm', kind: '500_before', times: 99 });
    await expect(approve()).rejects.toMatchObject({ code: 'payments_unavailable' });
    money.double.faults.clear();
    expect(payments().map(({ status }) => status)).not.toContain('succeeded');
    await expectSoundMoney(money, customerId);
  });
});

describe('a confirmation that Stripe does not accept', () => {
  /** An approval during which every confirmation fails, and the keys of the confirmations. */
  async function refusing(kind: StripeFaultKind, facts: StripeFaultFacts) {
    const { customerId, fixId, approve } = await askedFix();
    const sent: string[] = [];
    const deps = await answering(money.deps, () => ({
      confirmOnSession: async ({ idempotencyKey }) => {
        sent.push(idempotencyKey);
        return failing(kind, facts)();
      },
    }));
    const error = await approve(deps).catch((thrown: unknown) => thrown);
    const prefix = `approve:${customerId}:${fixId}:1:`;
    return { error, keys: sent.map((key) => key.replace(prefix, '')) };
  }

  it('a confirmation whose failure Stripe repeats is sent under three keys, and then given up', async () => {
    const { error, keys: sent } = await refusing('indeterminate', { answered: true, replayed: true });
    expect(error).toMatchObject({ code: 'payments_unavailable' });
    expect(sent).toEqual(['1', '2', '3']);
  });

  it.each<[StripeFaultKind, StripeFaultFacts, string]>([
    ['indeterminate', { answered: true }, 'payments_unavailable'],
    ['transient', {}, 'payments_unavailable'],
    ['misconfigured', { replayed: true }, 'payments_misconfigured'],
  ])('a confirmation that fails as %s %j is sent under one key only', async (kind, facts, code) => {
    const { error, keys: sent } = await refusing(kind, facts);
    expect(error).toMatchObject({ code });
    expect(sent).toEqual(['1']);
  });

  it('a confirmation refused because another click has just confirmed the payment leads to the bank too', async () => {
    const { approve, statuses } = await askedFix();
    const deps = await answering(money.deps, (port) => ({
      confirmOnSession: async (sent) => {
        await port.confirmOnSession(sent);
        return failing('refused')();
      },
    }));
    expect(await approve(deps)).toMatchObject({ kind: 'waiting', approval: { state: 'waiting' } });
    expect(statuses()).toEqual(['requires_action']);
  });
});

describe('what can be approved', () => {
  it('only a payment that waits for its cardholder can be approved, and Stripe is not asked about others', async () => {
    const { customerId, fixId, fix, approve, answer, statuses } = await askedFix();
    const calls = (id: string, deps = withoutStripe()) => [
      approveFixPayment(deps, customerId, id, RETURN_URL),
      followFixPayment(deps, customerId, id),
      readFixApproval(deps, customerId, id),
    ];
    const nothing = [{ kind: 'settled' }, undefined, null];
    expect(await Promise.all(calls('f'.repeat(32)))).toEqual(nothing);
    expect(await Promise.all(calls(await recordedFix(money.deps, customerId, 2)))).toEqual(nothing);
    await approve();
    await answer(false);
    await followFixPayment(money.deps, customerId, fixId);
    expect((await fix()).charge.state).toBe('declined');
    expect(await Promise.all(calls(fixId))).toEqual(nothing);
    expect(statuses()).toEqual(['requires_payment_method']);
  });

  it('a fix that an earlier payment has paid meanwhile asks for no second payment', async () => {
    const { customerId, fixId, fix, answer } = await askedFix();
    const stored = await fix();
    const { charge } = stored;
    await answer(true);
    const newer = { ...charge, attempt: 2, state: 'charging', paymentIntentId: null } as const;
    await writeTogether(money.deps.table, [announceCharge(customerId, stored, newer)]);
    const asks = { ...newer, state: 'action_required', paymentIntentId: 'pi_newer' } as const;
    await writeTogether(money.deps.table, [endCharge(customerId, { ...stored, charge: newer }, asks)]);
    const payment = await (await money.deps.stripe()).readFixPayment(charge.paymentIntentId ?? '');
    if (payment === null) throw new Error('no payment');
    await settleFixPayment(money.deps, payment);
    expect(await fix()).toMatchObject({
      billed: { paymentIntentId: charge.paymentIntentId },
      charge: { state: 'action_required' },
    });
    expect(await approveFixPayment(withoutStripe(), customerId, fixId, RETURN_URL)).toEqual({
      kind: 'settled',
    });
  });

  it('a single credit that came meanwhile bills the fix, which is reported, and the payment is cancelled', async () => {
    const { customerId, fixId, fix, approve, statuses } = await askedFix();
    const gift = { amount: 1, reason: 'r', actor: 'tests', idempotencyKey: 'gift' };
    await adjustCredits(money.deps, customerId, gift);
    const reports: BusinessEvent[] = [];
    const deps = { ...money.deps, report: (happened: BusinessEvent) => reports.push(happened) };
    expect(await approve(deps)).toEqual({ kind: 'settled' });
    expect((await fix()).billed).toMatchObject({ outcome: 'credit_consumed' });
    expect(statuses()).toEqual(['canceled']);
    expect(reports).toContainEqual({ kind: 'fix_billed', customerId, fixAttemptId: fixId });
    await expectSoundMoney(money, customerId);
  });

  it('a payment with a card that was replaced is not confirmed', async () => {
    const { stripeCustomerId, approve, statuses } = await askedFix();
    const before = statuses();
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    expect(await approve()).toEqual({ kind: 'outdated' });
    expect(statuses()).toEqual(before);
  });
});

describe('the tries of the card that an approval uses', () => {
  async function withTries(tries: Partial<CardTries>) {
    const asked = await askedFix();
    const { customerId, fix } = asked;
    const { cardKey } = (await fix()).charge;
    const { table } = money.deps;
    const read = await readCardTries(table, customerId);
    await writeTogether(table, [
      keepCardTries(customerId, read, { [String(cardKey)]: { ...NO_TRIES, ...tries } }),
    ]);
    return asked;
  }

  it('a payment is not confirmed with a card that its bank never accepts again', async () => {
    const { approve, statuses } = await withTries({ isHard: true, lastCode: 'stolen_card' });
    const before = statuses();
    await expect(approve()).rejects.toMatchObject({
      code: 'card_declined',
      facts: { decline_code: 'stolen_card', credit_balance: 0 },
    });
    expect(statuses()).toEqual(before);
  });

  it('a cardholder who approves a payment need not wait after a decline of the card', async () => {
    const declines = [new Date().toISOString()];
    const { approve } = await withTries({ declines, lastCode: 'do_not_honor' });
    expect(await approve()).toMatchObject({ kind: 'waiting' });
  });
});

describe('the outcome of an approval', () => {
  it('an approved payment bills its fix as soon as the cardholder returns', async () => {
    const { customerId, fixId, fix, approve, answer } = await askedFix();
    await approve();
    expect(await readFixApproval(money.deps, customerId, fixId)).toMatchObject({ state: 'waiting' });
    await answer(true);
    await followFixPayment(money.deps, customerId, fixId);
    const { billed, charge } = await fix();
    expect(billed).toMatchObject({ paymentIntentId: charge.paymentIntentId, amountCents: 2_900 });
    await expectSoundMoney(money, customerId);
  });

  it('a payment that Stripe no longer knows as the payment of a fix changes nothing', async () => {
    const { customerId, fixId, fix } = await askedFix();
    const before = await fix();
    const blank = await answering(money.deps, () => ({ readFixPayment: async () => null }));
    await followFixPayment(blank, customerId, fixId);
    expect(await fix()).toEqual(before);
  });
});
