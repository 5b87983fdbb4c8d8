import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  currentSubscription,
  givesPro,
  isOver,
  type ProSubscription,
  planWith,
  SUBSCRIPTION_STATES,
  type SubscriptionState,
} from '../../lib/domain/subscription.ts';

const subscription = (facts: Partial<ProSubscription> = {}): ProSubscription => ({
  id: 'sub_1',
  plan: 'pro',
  state: 'active',
  cancelAtPeriodEnd: false,
  currentPeriodEnd: null,
  created: 1,
  ...facts,
});

/** What each state means, in the order of what it is worth to the customer. */
const STATES: readonly (readonly [SubscriptionState, { pro: boolean; over: boolean; oncePaid: boolean }])[] =
  [
    ['active', { pro: true, over: false, oncePaid: true }],
    ['trialing', { pro: true, over: false, oncePaid: true }],
    ['past_due', { pro: true, over: false, oncePaid: true }],
    ['unpaid', { pro: false, over: false, oncePaid: true }],
    ['paused', { pro: false, over: false, oncePaid: true }],
    ['incomplete', { pro: false, over: false, oncePaid: false }],
    ['canceled', { pro: false, over: true, oncePaid: true }],
    ['incomplete_expired', { pro: false, over: true, oncePaid: false }],
  ];

const anySubscriptions = fc.uniqueArray(
  fc.record({
    id: fc.integer({ min: 1, max: 20 }).map((n) => `sub_${n}`),
    plan: fc.constant('pro' as const),
    state: fc.constantFrom(...SUBSCRIPTION_STATES),
    cancelAtPeriodEnd: fc.boolean(),
    currentPeriodEnd: fc.constantFrom(null, '2026-01-01T00:00:00.000Z'),
    created: fc.integer({ min: 1, max: 3 }),
  }),
  { selector: ({ id }) => id, maxLength: 6 },
);

describe('what a subscription is worth', () => {
  it.each(STATES)('%s: %o', (state, { pro, over }) => {
    expect(givesPro(state)).toBe(pro);
    expect(isOver(state)).toBe(over);
  });

  it('every state that Stripe has is one of these', () => {
    expect(STATES.map(([state]) => state).toSorted()).toEqual([...SUBSCRIPTION_STATES].toSorted());
  });

  it('what gives Pro could never be over', () => {
    for (const state of SUBSCRIPTION_STATES) expect(givesPro(state) && isOver(state)).toBe(false);
  });
});

describe('which of several subscriptions counts', () => {
  it('none of none', () => {
    expect(currentSubscription([])).toBeNull();
  });

  it.each(STATES.slice(1).map(([worse], i) => [STATES[i]?.[0] ?? 'active', worse] as const))(
    '%s before %s, also where that is newer',
    (better, worse) => {
      const old = subscription({ id: 'sub_old', state: better, created: 1 });
      const young = subscription({ id: 'sub_young', state: worse, created: 2 });
      expect(currentSubscription([old, young])?.id).toBe('sub_old');
      expect(currentSubscription([young, old])?.id).toBe('sub_old');
    },
  );

  it('of two alike the newer one, and of two of one second always the same one', () => {
    // The newer one has the smaller id, which must not count before the time.
    const [first, second] = [subscription({ id: 'sub_z' }), subscription({ id: 'sub_b', created: 2 })];
    expect(currentSubscription([first, second])?.id).toBe('sub_b');
    const twin = subscription({ id: 'sub_c', created: 2 });
    expect(currentSubscription([twin, second])).toEqual(currentSubscription([second, twin]));
  });

  it('in whatever order Stripe names them', () => {
    const shuffled = anySubscriptions.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(currentSubscription(other)).toEqual(currentSubscription(all));
      }),
    );
  });

  it('one that gives Pro, if there is one', () => {
    fc.assert(
      fc.property(anySubscriptions, (all) => {
        const current = currentSubscription(all);
        const isPro = current !== null && givesPro(current.state);
        expect(isPro).toBe(all.some(({ state }) => givesPro(state)));
      }),
    );
  });

  it('and what is remembered of it is what is stored, without what only orders it', () => {
    const kept = currentSubscription([subscription({ cancelAtPeriodEnd: true })]);
    expect(kept).toEqual({
      id: 'sub_1',
      plan: 'pro',
      state: 'active',
      cancelAtPeriodEnd: true,
      currentPeriodEnd: null,
    });
  });
});

describe('the plan that follows', () => {
  it.each(STATES)('from %s', (state, { pro, oncePaid }) => {
    expect(planWith(subscription({ state }), 'pro')).toBe(pro ? 'pro' : 'pay_as_you_go');
    expect(planWith(subscription({ state }), 'pay_as_you_go')).toBe(pro ? 'pro' : 'pay_as_you_go');
    // Somebody whose subscription was made in the dashboard: the trial ends only with a payment.
    const fromTrial = pro ? 'pro' : oncePaid ? 'pay_as_you_go' : 'trial';
    expect(planWith(subscription({ state }), 'trial')).toBe(fromTrial);
  });

  it('from none: a trial goes on, and nobody goes back to one', () => {
    expect(planWith(null, 'trial')).toBe('trial');
    expect(planWith(null, 'pay_as_you_go')).toBe('pay_as_you_go');
    expect(planWith(null, 'pro')).toBe('pay_as_you_go');
  });
});

describe('of two subscriptions that are the same in everything but their ids', () => {
  it('the one with the greater id counts, whichever is heard of first', () => {
    const two = [subscription({ id: 'sub_a' }), subscription({ id: 'sub_b' })];
    expect(currentSubscription(two)?.id).toBe('sub_b');
    expect(currentSubscription(two.toReversed())?.id).toBe('sub_b');
  });
});
