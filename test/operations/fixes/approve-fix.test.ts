import { beforeAll, describe, expect, it } from 'vitest';
import { approveFixPayment } from '../../../lib/operations/fixes/approve-fix.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWithCard, expectSoundMoney, type Money, openMoneyForFile } from '../../support/money.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* The cardholder approves the payment of a fix while Stripe fails. */

let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  ({ money } = opened);
  return opened.stop;
});

const RETURN_URL = 'https://billing.test/billing/plan/return';

/** A fix whose payment was made without the cardholder, so the bank asks for an approval. */
async function askedFix() {
  const { customerId } = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
  const fixId = await recordedFix(money.deps, customerId, 1);
  await billFixAttempt(money.deps, customerId, fixId);
  const payments = () =>
    money.double.state.paymentIntents.newestFirst.filter(
      ({ metadata }) => metadata['customer_id'] === customerId,
    );
  return {
    customerId,
    payments,
    approve: (deps = money.deps) => approveFixPayment(deps, customerId, fixId, RETURN_URL),
  };
}

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
