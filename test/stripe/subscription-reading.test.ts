import { describe, expect, it } from 'vitest';
import { SUBSCRIPTION_STATES } from '../../lib/domain/subscription.ts';
import { proSubscriptionOf } from '../../lib/stripe/readers/account.ts';
import { PRICES, stripeWith } from '../support/stripe-objects.ts';

/* Subscriptions, as they are read from Stripe's answers. */

describe('a subscription', () => {
  const SUBSCRIPTION = {
    id: 'sub_1',
    object: 'subscription',
    status: 'active',
    cancel_at_period_end: false,
    cancel_at: null,
    collection_method: 'charge_automatically',
    pause_collection: null,
    default_payment_method: null,
    ended_at: null,
    created: 7,
    items: {
      data: [{ price: { id: 'price_other' } }, { price: { id: 'price_pro' }, current_period_end: 60 }],
    },
  };
  const read = async (facts: object = {}) =>
    proSubscriptionOf(
      await stripeWith({ 'subscriptions/sub_1': { ...SUBSCRIPTION, ...facts } }).subscriptions.retrieve(
        'sub_1',
      ),
      PRICES,
    );

  it('a subscription to Pro is read with the end of its own period', async () => {
    expect(await read()).toEqual({
      id: 'sub_1',
      plan: 'pro',
      state: 'active',
      cancelAtPeriodEnd: false,
      currentPeriodEnd: '1970-01-01T00:01:00.000Z',
      coveredUntil: null,
      collects: true,
      created: 7,
      endsAt: null,
      ownCard: null,
      isReplaced: false,
    });
  });

  it('a subscription that we ended for a new one carries our comment', async () => {
    const replaced = async (cancellation_details: object | null) =>
      (await read({ cancellation_details }))?.isReplaced;
    expect(await replaced({ comment: 'Replaced by a new subscription' })).toBe(true);
    for (const other of [null, { comment: null }, { comment: 'Too expensive' }]) {
      expect(await replaced(other)).toBe(false);
    }
  });

  it('a subscription to another product is none', async () => {
    expect(await read({ items: { data: [{ price: { id: 'price_other' } }] } })).toBeNull();
  });

  it('a subscription set to end in any way ends with its period, unless it is over', async () => {
    const ends = async (facts: object) => (await read(facts))?.cancelAtPeriodEnd;
    expect(await ends({ cancel_at_period_end: true })).toBe(true);
    expect(await read({ cancel_at_period_end: true })).toMatchObject({ endsAt: 60 });
    expect(await ends({ cancel_at: 60 })).toBe(true);
    expect(await ends({ cancel_at: 60, status: 'canceled' })).toBe(false);
    expect(await ends({ cancel_at_period_end: true, status: 'incomplete_expired' })).toBe(false);
  });

  it('a date after the end of the period is no cancellation at period end', async () => {
    expect(await read({ cancel_at: 61 })).toMatchObject({ cancelAtPeriodEnd: false, endsAt: 61 });
    expect(await read({ cancel_at: 60 })).toMatchObject({ cancelAtPeriodEnd: true, endsAt: 60 });
    const flagged = await read({ cancel_at: 61, cancel_at_period_end: true });
    expect(flagged).toMatchObject({ cancelAtPeriodEnd: true, endsAt: 60 });
  });

  it('after an immediate cancellation the current period ends with the subscription', async () => {
    const ended = await read({ status: 'canceled', ended_at: 20 });
    expect(ended?.currentPeriodEnd).toBe('1970-01-01T00:00:20.000Z');
  });

  it('a subscription whose collection is paused, or that is paid by hand, does not collect', async () => {
    expect(await read({ pause_collection: { behavior: 'void' } })).toMatchObject({ collects: false });
    expect(await read({ collection_method: 'send_invoice' })).toMatchObject({ collects: false });
  });

  it("a subscription's own card is read, also one of the older kind", async () => {
    expect(await read({ default_payment_method: 'pm_own' })).toMatchObject({ ownCard: 'pm_own' });
    expect(await read({ default_source: { id: 'card_own' } })).toMatchObject({ ownCard: 'card_own' });
  });

  it("a subscription has one of Stripe's states, and an unknown newer state needs a person", async () => {
    for (const status of SUBSCRIPTION_STATES) expect((await read({ status }))?.state).toBe(status);
    const newer = read({ status: 'newer' });
    await expect(newer).rejects.toMatchObject({
      kind: 'misconfigured',
      facts: { code: 'unknown_subscription_status' },
    });
  });
});
