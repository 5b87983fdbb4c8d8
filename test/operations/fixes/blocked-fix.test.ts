import { ThrottlingException } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { markClosed, recordedFix } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { setHead } from '../../support/set-head.ts';
import { answering, failing } from '../../support/stripe-answers.ts';
import { countingCalls } from '../../support/table.ts';

/* A fix without credits and without a card on file: what is looked up before it stays blocked. */

let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  return opened.stop;
});

const BLOCKED = { kind: 'blocked', code: 'no_billing_info', reasons: ['no_billing_info'] };

/** A customer with a card at Stripe whose event is lost, and a merged fix. */
async function withLostEvent() {
  const { customerId } = await customerWithCard(money, 0, await money.newCard());
  for (const attribute of ['payment_method_id', 'card_key'])
    await setHead(money.deps.table, customerId, attribute, null);
  const fixId = await recordedFix(money.deps, customerId, 1);
  return { customerId, bill: (deps: PaymentDeps = money.deps) => billFixAttempt(deps, customerId, fixId) };
}

const slowDown = () => new ThrottlingException({ message: 'slow down', $metadata: {} });

const withoutStripe = (): PaymentDeps => ({
  ...money.deps,
  stripe: () => Promise.reject(new Error('Stripe was called')),
});

describe('a card at Stripe that the account does not know', () => {
  it('a card whose event is late or lost is found before a fix is blocked, and pays for the fix', async () => {
    const { customerId, bill } = await withLostEvent();
    expect(await bill()).toMatchObject({ kind: 'billed', billed: { outcome: 'charged_and_consumed' } });
    expect((await headOf(money.deps, customerId)).paymentMethodId).not.toBeNull();
    await expectSoundMoney(money, customerId);
  });

  it.each(['transient', 'indeterminate', 'misconfigured'] as const)(
    'a fix stays blocked if its card cannot be looked up because Stripe fails: %s',
    async (kind) => {
      const { bill } = await withLostEvent();
      expect(
        await bill(await answering(money.deps, () => ({ readDefaultCard: failing(kind) }))),
      ).toMatchObject(BLOCKED);
    },
  );

  it('a table that fails while the card is looked up is reported and does not block the fix', async () => {
    const { bill } = await withLostEvent();
    const name = 'throttled';
    const throttled = await answering(money.deps, (port) => ({
      readDefaultCard: async (of) => {
        middlewareOf(money.deps.table).add(
          (next, { commandName }) =>
            async (args) => {
              if (commandName === 'BatchGetItemCommand') throw slowDown();
              return next(args);
            },
          { step: 'initialize', priority: 'high', name },
        );
        return port.readDefaultCard(of);
      },
    }));
    const billing = bill(throttled).finally(() => middlewareOf(money.deps.table).remove(name));
    await expect(billing).rejects.toMatchObject({ code: 'ledger_unavailable' });
  });

  it('a defect while the card is looked up is not hidden', async () => {
    const { bill } = await withLostEvent();
    const defect = new TypeError('a defect');
    const broken = await answering(money.deps, () => ({ readDefaultCard: () => Promise.reject(defect) }));
    await expect(bill(broken)).rejects.toBe(defect);
  });

  it('a closed account stays without a card, and Stripe is not asked', async () => {
    const { customerId, bill } = await withLostEvent();
    await markClosed(money.deps, customerId);
    expect(await bill(withoutStripe())).toMatchObject(BLOCKED);
  });
});

describe('what billing asks for', () => {
  it('a fix that a credit pays needs no card: one read and one write, and Stripe is not asked', async () => {
    const { customerId, bill } = await withLostEvent();
    const gift = { amount: 2, reason: 'r', actor: 'tests', idempotencyKey: 'gift' };
    await adjustCredits(money.deps, customerId, gift);
    expect(await bill(withoutStripe())).toMatchObject({ billed: { outcome: 'credit_consumed' } });
    const { customerId: withCard } = await customerWithCard(money, 1, await money.newCard());
    const fixId = await recordedFix(money.deps, withCard, 1);
    const { calls } = await countingCalls(money.deps.table, () =>
      billFixAttempt(money.deps, withCard, fixId),
    );
    expect(calls).toEqual(['BatchGetItem', 'TransactWriteItems']);
  });

  it('a fix of a customer who never had a card is blocked with one read and one write, and Stripe is not asked', async () => {
    const { customerId } = (await customerWith(money.deps, 0)).head;
    const fixId = await recordedFix(money.deps, customerId, 1);
    const { result, calls } = await countingCalls(money.deps.table, () =>
      billFixAttempt(withoutStripe(), customerId, fixId),
    );
    expect(result).toMatchObject(BLOCKED);
    expect(calls).toEqual(['BatchGetItem', 'TransactWriteItems']);
  });

  it('a fix of a disputed account with a card on file is blocked without asking Stripe', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    await setHead(money.deps.table, customerId, 'open_disputes', ['du_1']);
    const fixId = await recordedFix(money.deps, customerId, 1);
    expect(await billFixAttempt(withoutStripe(), customerId, fixId)).toMatchObject({
      kind: 'blocked',
      code: 'account_disputed',
      reasons: ['account_disputed'],
    });
  });
});
