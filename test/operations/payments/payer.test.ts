import { beforeAll, describe, expect, it } from 'vitest';
import { payableReader } from '../../../lib/operations/payments/payable.ts';
import { payerHolds } from '../../../lib/operations/payments/payer.ts';
import { askStripe } from '../../../lib/operations/payments/payment-problems.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keepCardTries } from '../../../lib/store/payments/card-tries.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import { StripeFault } from '../../../lib/stripe/fault.ts';
import type { DefaultCard } from '../../../lib/stripe/port.ts';
import { markClosed } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { setHead } from '../../support/set-head.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* Which customer and card pay, and whether that is still true just before a payment is sent. */

let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  return opened.stop;
});

const CARD: DefaultCard = { paymentMethodId: 'pm_1', fingerprint: 'fp_1' };

/** Records the Stripe customers whose card is read, and counts the reads of the account. */
async function asking(card: DefaultCard | null) {
  const cards: string[] = [];
  let accounts = 0;
  const deps: PaymentDeps = await answering(money.deps, (port) => ({
    readDefaultCard: async (of) => {
      cards.push(of);
      return card;
    },
    readAccount: async (of) => {
      accounts += 1;
      return port.readAccount(of);
    },
  }));
  return { deps, cards, accounts: () => accounts };
}

describe('what a payment is announced on', () => {
  it('the basis of a payment has the card once per Stripe customer, and the tries each time', async () => {
    const { deps, cards } = await asking(CARD);
    const read = payableReader(deps, 'p1');
    expect(await read('cus_1')).toMatchObject({ card: CARD, tries: { version: 0, cards: {} } });
    await writeTogether(deps.table, [keepCardTries('p1', { version: 0, cards: {} }, {})]);
    expect(await read('cus_1')).toMatchObject({ card: CARD, tries: { version: 1, cards: {} } });
    expect(await read('cus_2')).toMatchObject({ card: CARD });
    expect(cards).toEqual(['cus_1', 'cus_2']);
  });

  it('the basis of a payment has no card for an unknown Stripe customer, even after one was read', async () => {
    const { deps, cards } = await asking(CARD);
    const read = payableReader(deps, 'p2');
    expect(await read(null)).toMatchObject({ card: null });
    expect(cards).toEqual([]);
    await read('cus_1');
    expect(await read(null)).toMatchObject({ card: null });
  });

  it('the basis of a payment has no card if Stripe has none', async () => {
    const { deps } = await asking(null);
    expect(await payableReader(deps, 'p3')('cus_1')).toMatchObject({ card: null });
  });
});

describe('a payer', () => {
  /** Whether a payment with this card is still valid, and whether the account was synced. */
  async function holds(
    {
      card = CARD,
      paymentMethodId = 'pm_1',
    }: { card?: DefaultCard | null; paymentMethodId?: string | null } = {},
    change: (customerId: string) => Promise<unknown> = async () => {},
    stripeCustomerOf: (known: string) => string = (known) => known,
  ) {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await change(customerId);
    const { deps, cards, accounts } = await asking(card);
    const payer = { stripeCustomerId: stripeCustomerOf(stripeCustomerId), paymentMethodId };
    const isHolding = await payerHolds(deps, customerId, payer);
    expect(cards).toEqual([payer.stripeCustomerId]);
    return { isHolding, isSynced: accounts() > 0 };
  }

  it('a payer holds while account and card are unchanged', async () => {
    expect(await holds()).toEqual({ isHolding: true, isSynced: false });
  });

  it('a payer of an earlier release, without the card, holds with any card', async () => {
    expect(await holds({ paymentMethodId: null })).toEqual({ isHolding: true, isSynced: false });
  });

  it.each([
    ['another card', { card: { ...CARD, paymentMethodId: 'pm_2' } }],
    ['no card', { card: null }],
    ['no card for one of an earlier release', { card: null, paymentMethodId: null }],
  ])('a payer does not hold with %s at Stripe, and the account is synced', async (_, facts) => {
    expect(await holds(facts)).toEqual({ isHolding: false, isSynced: true });
  });

  it('a payer does not hold once the account is closed, or a dispute is open', async () => {
    const not = { isHolding: false, isSynced: false };
    expect(await holds({}, (customerId) => markClosed(money.deps, customerId))).toEqual(not);
    expect(
      await holds({}, (customerId) => setHead(money.deps.table, customerId, 'open_disputes', ['du_1'])),
    ).toEqual(not);
  });

  it('does not hold with more open disputes at Stripe than one transaction can write letters about', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    const open = range(1, 150).map((n) => ({ id: `du_${n}`, amountCents: 2_900 }));
    const deps = await answering(money.deps, () => ({ findOpenDisputes: async () => open }));
    expect(await payerHolds(deps, customerId, { stripeCustomerId, paymentMethodId: 'pm_1' })).toBe(false);
    const { openDisputes } = await headOf(deps, customerId);
    expect(openDisputes).toHaveLength(10);
    expect(await noticeContentsOf(deps, customerId, 'dispute')).toHaveLength(10);
  });

  /** A customer with this dispute in the head, and `open` at Stripe. */
  async function disputed(inHead: string, open: readonly string[]) {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await setHead(money.deps.table, customerId, 'open_disputes', [inHead]);
    const before = await headOf(money.deps, customerId);
    const disputes = open.map((id) => ({ id, amountCents: 2_900 }));
    const deps = await answering(money.deps, () => ({ findOpenDisputes: async () => disputes }));
    const payer = { stripeCustomerId, paymentMethodId: 'pm_1' };
    expect(await payerHolds(deps, customerId, payer)).toBe(false);
    return { customerId, before, after: await headOf(deps, customerId) };
  }

  it('a payer gets the disputes at Stripe in the order of their ids, whatever order Stripe returns', async () => {
    const { customerId, after } = await disputed('du_2', ['du_3', 'du_1', 'du_2']);
    expect(after.openDisputes).toEqual(['du_1', 'du_2', 'du_3']);
    // The known dispute got its letter before.
    expect(await noticeContentsOf(money.deps, customerId, 'dispute')).toHaveLength(2);
  });

  it('a payer whose open disputes are all known is not written', async () => {
    const { before, after } = await disputed('du_1', ['du_1']);
    expect(after).toEqual(before);
  });

  it('a payer does not hold if the customer has another Stripe customer now', async () => {
    expect(await holds({}, undefined, () => 'cus_other')).toEqual({ isHolding: false, isSynced: false });
  });

  it('a payer does not hold if the customer is gone', async () => {
    const { deps } = await asking(CARD);
    const payer = { stripeCustomerId: 'cus_1', paymentMethodId: 'pm_1' };
    expect(await payerHolds(deps, 'nobody', payer)).toBe(false);
  });

  it("a payer is synced with Stripe's state at that time", async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await setHead(money.deps.table, customerId, 'payment_method_id', 'pm_old');
    const payer = { stripeCustomerId, paymentMethodId: 'pm_old' };
    expect(await payerHolds(money.deps, customerId, payer)).toBe(false);
    expect((await headOf(money.deps, customerId)).paymentMethodId).not.toBe('pm_old');
  });
});

describe('a call to Stripe that leaves nothing open', () => {
  it('a call to Stripe returns its answer, or reports the fault of the payments', async () => {
    expect(await askStripe(async () => 7)).toBe(7);
    await expect(askStripe(failing('transient'))).rejects.toMatchObject({
      code: 'payments_unavailable',
      cause: expect.any(StripeFault),
    });
  });
});
