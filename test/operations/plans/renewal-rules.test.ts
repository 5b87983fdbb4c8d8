import { beforeEach, describe, expect, it } from 'vitest';
import { NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { announceRenewal, finishRenewal, payRenewal } from '../../../lib/operations/plans/pay-renewal.ts';
import { keys } from '../../../lib/store/keys.ts';
import { keepCardTries, readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { decodeRenewal, keepRenewal, type Renewal } from '../../../lib/store/renewals.ts';
import { readTogether, type Table, writeTogether } from '../../../lib/store/table.ts';
import { StripeFault, type StripeFaultFacts, type StripeFaultKind } from '../../../lib/stripe/fault.ts';
import type { StripePort } from '../../../lib/stripe/port.ts';
import { markClosed } from '../../support/customers.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { attachedCard, pastDueCustomer, putDefault } from '../../support/past-due.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';

/* When a renewal that we request is announced, and the effect of each answer of Stripe. */

let table: Table;
let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);
const notAsked = failing('misconfigured');
const announce = (customerId: string, isAsked: boolean) => announceRenewal(money.deps, customerId, isAsked);

async function renewalOf(customerId: string): Promise<Renewal | null> {
  const [item] = await readTogether(table, [keys.renewal(customerId)]);
  return item === undefined ? null : decodeRenewal(item);
}

const paymentsOf = (invoiceId: string): number =>
  money.double.calls.all.filter(({ path }) => path.endsWith(`/${invoiceId}/pay`)).length;

async function announced() {
  const who = await pastDueCustomer(money);
  const renewal = await announce(who.customerId, true);
  if (renewal === null) throw new Error('nothing to pay');
  return { ...who, renewal };
}

describe('a renewal', () => {
  it('a renewal that is being paid is found, and not announced again', async () => {
    const { customerId, renewal } = await announced();
    expect(renewal).toMatchObject({ attempt: 1, state: 'paying', amountCents: 59_900 });
    expect(await announce(customerId, true)).toEqual(renewal);
    expect(await announce(customerId, false)).toEqual(renewal);
  });

  it.each([
    ['another invoice with the card', { invoiceId: 'in_other' }],
    ['the invoice with another card', { paymentMethodId: 'pm_other' }],
  ])('a renewal is announced by an event if only %s was declined before', async (_, other) => {
    const { customerId, head, invoiceId, subscriptionId, stripeCustomerId } = await pastDueCustomer(money);
    const before: Renewal = {
      attempt: 3,
      state: 'declined',
      invoiceId,
      subscriptionId,
      amountCents: 59_900,
      stripeCustomerId,
      paymentMethodId: head.paymentMethodId ?? '',
      cardKey: null,
      startedAt: money.deps.now().toISOString(),
    };
    await writeTogether(table, [keepRenewal(customerId, before, null)]);
    expect(await announce(customerId, false)).toBeNull();
    await writeTogether(table, [keepRenewal(customerId, { ...before, ...other }, before)]);
    expect(await announce(customerId, false)).toMatchObject({ attempt: 4, invoiceId });
  });

  it('a renewal is not announced by an event before its card may be tried again', async () => {
    const { customerId } = await pastDueCustomer(money);
    const card = await (await money.deps.stripe()).readDefaultCard(
      (await headOf(money.deps, customerId)).stripeCustomerId ?? '',
    );
    const read = await readCardTries(table, customerId);
    const tries = {
      declines: [money.deps.now().toISOString()],
      underWay: [],
      lastCode: 'generic_decline',
      isHard: false,
      isWaitSkipped: false,
      letterDay: null,
    };
    await writeTogether(table, [keepCardTries(customerId, read, { [card?.fingerprint ?? '']: tries })]);
    expect(await announce(customerId, false)).toBeNull();
    expect(await announce(customerId, true)).toMatchObject({ state: 'paying' });
  });

  it('a renewal is not announced while its card has its maximum of tries in flight, and a person may ask again', async () => {
    const { customerId, head } = await pastDueCustomer(money);
    const read = await readCardTries(table, customerId);
    const startedAt = money.deps.now().toISOString();
    const underWay = range(1, 15).map((n) => ({ id: `fix_${n}:1`, startedAt }));
    const tries = { ...NO_TRIES, underWay };
    await writeTogether(table, [keepCardTries(customerId, read, { [head.cardKey ?? '']: tries })]);
    expect(await announce(customerId, false)).toBeNull();
    await expect(announce(customerId, true)).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(await renewalOf(customerId)).toBeNull();
  });

  it('a renewal is not announced with a card that the head does not have yet', async () => {
    const { customerId, stripeCustomerId } = await pastDueCustomer(money);
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    expect(await announce(customerId, true)).toBeNull();
  });

  it('a renewal is not announced for a customer whose card was removed at Stripe, before any event says so', async () => {
    const { customerId, head, stripeCustomerId } = await pastDueCustomer(money);
    await putDefault(money, stripeCustomerId, '');
    expect((await headOf(money.deps, customerId)).paymentMethodId).toBe(head.paymentMethodId);
    expect(await announce(customerId, true)).toBeNull();
    expect(await renewalOf(customerId)).toBeNull();
  });

  it('a renewal is not announced if the default card changes, or is removed, between two reads', async () => {
    const { customerId } = await pastDueCustomer(money);
    for (const card of [{ paymentMethodId: 'pm_other', fingerprint: 'fp_other' }, null]) {
      const deps = await answering(() => ({ readDefaultCard: async () => card }));
      expect(await announceRenewal(deps, customerId, true)).toBeNull();
    }
  });

  it('a renewal is not announced for a closed account', async () => {
    const { customerId } = await pastDueCustomer(money);
    await markClosed(money.deps, customerId);
    expect(await announce(customerId, true)).toBeNull();
  });

  it.each([
    ['is set to end', { cancel_at_period_end: true }],
    ['is not collected for', { pause_collection: { behavior: 'keep_as_draft' } }],
  ] as const)('a renewal is not announced for a subscription that %s', async (_, change) => {
    const { customerId, subscriptionId } = await pastDueCustomer(money);
    await money.stripe.subscriptions.update(subscriptionId, change);
    expect(await announce(customerId, true)).toBeNull();
  });

  it('an unknown Stripe customer has no renewal, and Stripe is not asked', async () => {
    const { head } = await customerWith(money.deps, 0);
    const deps = await answering(() => ({ readAccount: notAsked, findOpenRenewal: notAsked }));
    expect(await payRenewal(deps, head.customerId, true)).toEqual({ kind: 'none' });
  });

  it('a customer deleted at Stripe has no renewal', async () => {
    const { customerId } = await pastDueCustomer(money);
    const deps = await answering(() => ({
      readAccount: async () => ({ kind: 'deleted' }) as const,
      findOpenRenewal: notAsked,
    }));
    expect(await payRenewal(deps, customerId, true)).toEqual({ kind: 'none' });
  });
});

describe('a renewal that was announced', () => {
  it.each([
    ['its subscription is another one', { subscriptionId: 'sub_other' }],
    ['its Stripe customer is another one', { stripeCustomerId: 'cus_other' }],
    ['its card is another one', { paymentMethodId: 'pm_other' }],
  ])('an announced renewal is not sent if %s', async (_, other) => {
    const { customerId, renewal, invoiceId } = await announced();
    expect(await finishRenewal(money.deps, customerId, { ...renewal, ...other })).toEqual({ kind: 'none' });
    expect(paymentsOf(invoiceId)).toBe(0);
    expect(await renewalOf(customerId)).toMatchObject({ state: 'closed' });
  });

  it('an announced renewal is not sent after its account was closed', async () => {
    const { customerId, renewal, invoiceId } = await announced();
    await markClosed(money.deps, customerId);
    expect(await finishRenewal(money.deps, customerId, renewal)).toEqual({ kind: 'none' });
    expect(paymentsOf(invoiceId)).toBe(0);
  });

  it('an announced renewal is not sent after its subscription is gone from the account', async () => {
    const { customerId, renewal, invoiceId } = await announced();
    const deps = await answering((port) => ({
      readAccount: async (id) => ({ ...(await port.readAccount(id)), subscriptions: [] }),
    }));
    expect(await finishRenewal(deps, customerId, renewal)).toEqual({ kind: 'none' });
    expect(paymentsOf(invoiceId)).toBe(0);
    expect(await renewalOf(customerId)).toMatchObject({ state: 'closed' });
  });

  it('an announced renewal is not sent after its subscription was set to end', async () => {
    const { customerId, renewal, subscriptionId, invoiceId } = await announced();
    await money.stripe.subscriptions.update(subscriptionId, { cancel_at_period_end: true });
    expect(await finishRenewal(money.deps, customerId, renewal)).toEqual({ kind: 'none' });
    expect(paymentsOf(invoiceId)).toBe(0);
  });

  it('an announced renewal is sent with its own invoice, card and key', async () => {
    const { customerId, renewal, invoiceId, head } = await announced();
    const sent: unknown[] = [];
    const deps = await answering(() => ({
      payInvoice: async (order) => {
        sent.push(order);
        return failing('declined')();
      },
    }));
    await finishRenewal(deps, customerId, renewal);
    expect(sent).toEqual([
      { invoiceId, paymentMethodId: head.paymentMethodId, idempotencyKey: `renewal:${customerId}:1` },
    ]);
  });
});

describe('the answer of Stripe to a renewal', () => {
  /**
   * Finishes a renewal with this answer of Stripe, both with and without an earlier payment by Stripe's own
   * retry.
   */
  async function answered(
    kind: StripeFaultKind,
    facts: StripeFaultFacts = {},
    { isPaidMeanwhile = false } = {},
  ) {
    const { customerId, stripeCustomerId, renewal, invoiceId } = await announced();
    const good = await attachedCard(money, stripeCustomerId);
    const deps = await answering(() => ({
      payInvoice: async () => {
        if (isPaidMeanwhile) await money.stripe.invoices.pay(invoiceId, { payment_method: good });
        throw new StripeFault(kind, facts);
      },
    }));
    const outcome = await finishRenewal(deps, customerId, renewal).catch((error: unknown) => error);
    const { cards } = await readCardTries(table, customerId);
    return {
      outcome,
      state: (await renewalOf(customerId))?.state,
      card: cards[renewal.cardKey ?? ''],
      balance: (await headOf(money.deps, customerId)).balance,
    };
  }

  it.each(['refused', 'misconfigured'] as const)(
    "a renewal answered as %s is paid if Stripe's own retry has paid the invoice meanwhile",
    async (kind) => {
      const { outcome, state, balance } = await answered(kind, {}, { isPaidMeanwhile: true });
      expect([outcome, state, balance]).toEqual([{ kind: 'paid' }, 'paid', 120]);
    },
  );

  it("a declined renewal is declined, even if Stripe's own retry has paid the invoice meanwhile", async () => {
    const { outcome } = await answered('declined', {}, { isPaidMeanwhile: true });
    expect(outcome).toMatchObject({ kind: 'declined' });
  });

  it('a renewal whose card Stripe refuses is declined, and counts nothing against the card', async () => {
    const { outcome, state, card } = await answered('refused');
    const decline = { code: 'payment_method_unusable', declineCode: null };
    expect([outcome, state]).toEqual([{ kind: 'declined', decline }, 'declined']);
    expect(card).toMatchObject({ declines: [], underWay: [] });
  });

  it('a renewal refused for a defect of ours says so, and is closed', async () => {
    const { outcome, state } = await answered('misconfigured');
    expect(outcome).toMatchObject({ code: 'payments_misconfigured' });
    expect(state).toBe('closed');
  });

  it('a renewal that needs the cardholder is no decline of the card', async () => {
    const { outcome, state, card } = await answered('authentication_required');
    expect([outcome, state]).toEqual([{ kind: 'needs_approval' }, 'needs_approval']);
    expect(card).toMatchObject({ declines: [], underWay: [], lastCode: null });
  });

  it.each([
    [
      { code: 'card_declined', declineCode: 'lost_card' },
      { code: 'card_declined', declineCode: 'lost_card' },
      'lost_card',
    ],
    [{ code: 'expired_card' }, { code: 'expired_card', declineCode: null }, 'expired_card'],
    [{}, { code: 'card_declined', declineCode: null }, 'card_declined'],
  ])('a renewal declined with %j is counted by its most exact code', async (facts, decline, lastCode) => {
    const { outcome, state, card } = await answered('declined', facts);
    expect(outcome).toEqual({ kind: 'declined', decline });
    expect(state).toBe('declined');
    expect(card).toMatchObject({ declines: [expect.any(String)], lastCode, letterDay: null });
  });
});

describe('a card that is added while a renewal is open', () => {
  it('adding a card does not hide a defect of ours in paying the renewal', async () => {
    const { head } = await pastDueCustomer(money);
    const deps = await answering(() => ({ payInvoice: () => Promise.reject(new Error('a defect')) }));
    await expect(addPaymentMethod(deps, head, await money.newCard())).rejects.toThrow('a defect');
  });
});
