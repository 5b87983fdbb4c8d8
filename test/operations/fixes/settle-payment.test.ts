import { beforeAll, describe, expect, it } from 'vitest';
import type { FixAttempt, FixCharge } from '../../../lib/domain/fix-attempt.ts';
import { monthOf } from '../../../lib/domain/payments/spending.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { settleFixPayment } from '../../../lib/operations/fixes/record-payment.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { announceCharge, decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { readSpending } from '../../../lib/store/payments/spending.ts';
import { readOne, writeTogether } from '../../../lib/store/table.ts';
import type { FixPayment } from '../../../lib/stripe/port.ts';
import { recordedFix } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWithCard, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { answering, failing } from '../../support/stripe-answers.ts';
import { countingCalls } from '../../support/table.ts';

/* What a payment of a fix writes when its outcome is known: months, letters, reports and tries of the card. */

const DAY_MS = 24 * 60 * 60 * 1000;

let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  return opened.stop;
});

const at = (ms: number): PaymentDeps => ({ ...money.deps, now: () => new Date(ms) });

/** A customer without credits, with a card that no other customer uses, and a merged fix. */
async function merged(token?: string) {
  const card = token?.startsWith('pm_') ? token : await money.newCard(token);
  const { customerId } = await customerWithCard(money, 0, card);
  const fixId = await recordedFix(money.deps, customerId, 1);
  const reports: BusinessEvent[] = [];
  const reporting = { ...money.deps, report: (happened: BusinessEvent) => reports.push(happened) };
  const fix = async (): Promise<FixAttempt> => {
    const found = await readOne(money.deps.table, keys.fix(customerId, fixId), decodeFix);
    if (found === null) throw new Error('no fix');
    return found;
  };
  const charge = async (): Promise<FixCharge> => {
    const { charge: newest } = await fix();
    if (newest === null) throw new Error('nothing was charged');
    return newest;
  };
  return {
    customerId,
    fixId,
    fix,
    charge,
    reporting,
    kinds: () => reports.map(({ kind }) => kind),
    bill: (deps: PaymentDeps = reporting) => billFixAttempt(deps, customerId, fixId),
    /** A payment of the fix as Stripe may report it. */
    payment: (facts: Partial<FixPayment> = {}): FixPayment => ({
      customerId,
      fixAttemptId: fixId,
      attempt: 1,
      paymentIntentId: `pi_of_${customerId}`,
      stripeCustomerId: 'cus_1',
      state: 'succeeded',
      amountCents: 2_900,
      decline: null,
      clientSecret: null,
      ...facts,
    }),
    letters: () => noticeContentsOf(money.deps, customerId, 'card_declined'),
    tries: async () => Object.values((await readCardTries(money.deps.table, customerId)).cards),
    spentIn: async (when: number) =>
      (await readSpending(money.deps.table, customerId, monthOf(new Date(when)))).spentCents,
  };
}

type Merged = Awaited<ReturnType<typeof merged>>;

/** The newest charge is announced and has no outcome. */
async function announced(one: Merged, deps: PaymentDeps = one.reporting): Promise<void> {
  const silent = await answering(deps, () => ({ chargeFix: failing('transient') }));
  await expect(one.bill(silent)).rejects.toMatchObject({ code: 'payment_pending' });
}

/** Changes the stored charge to what an earlier release wrote. */
async function asEarlier(one: Merged, facts: Partial<FixCharge>): Promise<void> {
  const fix = await one.fix();
  const changed = { ...(await one.charge()), ...facts };
  await writeTogether(money.deps.table, [announceCharge(one.customerId, fix, changed)]);
}

describe('the month of a payment', () => {
  it('a payment announced by a release without months counts in the month of its announcement', async () => {
    const one = await merged();
    await announced(one);
    await asEarlier(one, { spendingMonth: null });
    const startedMs = Date.parse((await one.charge()).startedAt);
    await settleFixPayment(at(startedMs + 40 * DAY_MS), one.payment());
    expect((await one.fix()).billed).toMatchObject({ spendingMonth: monthOf(new Date(startedMs)) });
    expect(await one.spentIn(startedMs)).toBe(2_900);
  });

  it('a payment of an attempt that a newer one has replaced counts in the month in which it is found', async () => {
    const one = await merged('tok_chargeCustomerFail');
    const startMs = Date.now();
    await one.bill(at(startMs));
    await announced(one, at(startMs + 40 * DAY_MS));
    expect(await one.charge()).toMatchObject({ attempt: 2, state: 'charging' });
    await settleFixPayment(at(startMs + 80 * DAY_MS), one.payment({ attempt: 1 }));
    const spent = await Promise.all([0, 40, 80].map((days) => one.spentIn(startMs + days * DAY_MS)));
    expect(spent).toEqual([0, 0, 2_900]);
  });

  it('a payment whose announcement is not stored bills its fix, and counts in the month in which it is found', async () => {
    const one = await merged();
    const foundMs = Date.now();
    expect(await settleFixPayment(at(foundMs), one.payment())).toMatchObject({
      settlement: { kind: 'billed', already: false },
    });
    expect(await one.spentIn(foundMs)).toBe(2_900);
  });
});

describe('an attempt that is over', () => {
  it('an attempt that was closed stays closed when Stripe reports a decline of its payment', async () => {
    const one = await merged();
    const refusing = await answering(one.reporting, () => ({ chargeFix: failing('misconfigured') }));
    await expect(one.bill(refusing)).rejects.toMatchObject({ code: 'payments_misconfigured' });
    const before = await one.fix();
    expect(before.charge).toMatchObject({ state: 'closed' });
    expect(await settleFixPayment(one.reporting, one.payment({ state: 'declined' }))).toEqual({
      settlement: { kind: 'unpaid' },
      wrote: false,
    });
    expect(await one.fix()).toEqual(before);
    expect([one.kinds(), await one.letters()]).toEqual([[], []]);
  });

  it.each([
    ['this release', {}],
    ['a release that counted no tries', { cardKey: null }],
  ])(
    'a payment cancelled at Stripe closes its attempt, which is no decline and sends no letter: %s',
    async (_, facts) => {
      const one = await merged();
      await announced(one);
      await asEarlier(one, facts);
      await settleFixPayment(one.reporting, one.payment({ state: 'canceled' }));
      expect(await one.charge()).toMatchObject({ state: 'closed' });
      expect([one.kinds(), await one.letters()]).toEqual([[], []]);
    },
  );

  it('a charge that a release without tries announced is closed once it is looked up and was not made', async () => {
    const one = await merged();
    await announced(one, at(Date.now() - 2 * DAY_MS));
    await asEarlier(one, { cardKey: null });
    expect(await one.bill()).toMatchObject({ kind: 'billed' });
    expect(await one.charge()).toMatchObject({ attempt: 2, state: 'closed' });
    expect(await one.letters()).toEqual([]);
  });
});

describe('an unpaid payment and its card', () => {
  it.each([
    [{ code: 'card_declined', declineCode: 'insufficient_funds' }, 'insufficient_funds'],
    [{ code: 'expired_card', declineCode: null }, 'expired_card'],
    [null, 'card_declined'],
  ])('the card keeps the most exact reason of its decline: %j', async (decline, lastCode) => {
    const one = await merged();
    await announced(one);
    await settleFixPayment(one.reporting, one.payment({ state: 'declined', decline }));
    expect(await one.tries()).toMatchObject([{ declines: [expect.any(String)], underWay: [], lastCode }]);
    expect(one.kinds()).toEqual(['charge_declined']);
  });

  it('a bank that asks the cardholder, and a cardholder who refuses, count as no decline of the card', async () => {
    const one = await merged('pm_card_authenticationRequired');
    expect(await one.bill()).toMatchObject({ kind: 'action_required' });
    expect(await one.letters()).toHaveLength(1);
    const { paymentIntentId } = await one.charge();
    await money.control(`payment_intents/${paymentIntentId}/authenticate`, { succeeds: false });
    const refused = await (await money.deps.stripe()).readFixPayment(paymentIntentId ?? '');
    if (refused === null) throw new Error('no payment');
    await settleFixPayment(one.reporting, refused);
    expect(await one.charge()).toMatchObject({ state: 'declined' });
    expect(await one.tries()).toMatchObject([{ declines: [], underWay: [], lastCode: null }]);
    expect(await one.letters()).toHaveLength(1);
  });

  it('two charges of a day that Stripe refuses without a payment send one letter about the card', async () => {
    const one = await merged();
    const refusing = await answering(one.reporting, () => ({
      chargeFix: failing('declined', { code: 'card_declined' }),
    }));
    const billed = () => billFixAttempt(refusing, one.customerId, one.fixId, undefined, { byPerson: true });
    expect([(await billed()).kind, (await billed()).kind]).toEqual(['declined', 'declined']);
    expect(await one.charge()).toMatchObject({ attempt: 2, state: 'closed' });
    expect(await one.letters()).toHaveLength(1);
  });
});

/** The number of this call's transactions while another call changes the ledger before each of the first two. */
async function triesBeside(customerId: string, work: () => Promise<unknown>): Promise<number> {
  let tries = 0;
  let isBeside = false;
  const another = async () => {
    const adjustment = { amount: 1, reason: 'r', actor: 'tests', idempotencyKey: `beside ${tries}` };
    isBeside = true;
    await adjustCredits(money.deps, customerId, adjustment);
    isBeside = false;
  };
  middlewareOf(money.deps.table).add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === 'TransactWriteItemsCommand' && !isBeside) {
          tries += 1;
          if (tries <= 2) await another();
        }
        return next(args);
      },
    { step: 'initialize', priority: 'high', name: 'beside' },
  );
  await work().finally(() => middlewareOf(money.deps.table).remove('beside'));
  return tries;
}

describe('what settling asks of the table', () => {
  it('an outcome that changes no balance is stored in one try, also while others change the ledger', async () => {
    const declined = await merged();
    await announced(declined);
    const decline = () => settleFixPayment(declined.reporting, declined.payment({ state: 'declined' }));
    expect(await triesBeside(declined.customerId, decline)).toBe(1);
    expect(await declined.charge()).toMatchObject({ state: 'declined' });

    const paid = await merged();
    await paid.bill();
    const waiting = await answering(paid.reporting, () => ({ readReturn: failing('transient') }));
    const second = () => settleFixPayment(waiting, paid.payment({ attempt: 2 }));
    expect(await triesBeside(paid.customerId, second)).toBe(1);
  });

  it('a payment that brings nothing new costs one read', async () => {
    const one = await merged();
    await one.bill();
    const { paymentIntentId } = await one.charge();
    const known = one.payment({ paymentIntentId: paymentIntentId ?? '' });
    const other = 'pi_that_failed';
    const facts: Partial<FixPayment>[] = [
      {},
      { state: 'declined' },
      { state: 'declined', paymentIntentId: other },
    ];
    for (const fact of facts) {
      const { calls } = await countingCalls(money.deps.table, () =>
        settleFixPayment(one.reporting, { ...known, ...fact }),
      );
      expect([fact, calls]).toEqual([fact, ['BatchGetItem']]);
    }
    const waiting = await answering(one.reporting, () => ({ readReturn: failing('transient') }));
    const again = () => settleFixPayment(waiting, one.payment({ attempt: 2 }));
    await again();
    // The second read is that of the return, which goes on.
    expect((await countingCalls(money.deps.table, again)).calls).toEqual(['BatchGetItem', 'BatchGetItem']);
  });
});
