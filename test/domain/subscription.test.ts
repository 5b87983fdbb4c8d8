import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  currentSubscription,
  endingOf,
  endOfPro,
  givesPro,
  goingOn,
  isOver,
  type ProSubscription,
  planAt,
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
  coveredUntil: null,
  collects: true,
  created: 1,
  endsAt: null,
  ownCard: null,
  isReplaced: false,
  ...facts,
});

/** The meaning of each state, ordered by its value to the customer. */
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
    coveredUntil: fc.constantFrom(null, '2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'),
    collects: fc.boolean(),
    created: fc.integer({ min: 1, max: 3 }),
    endsAt: fc.constantFrom(null, 1_800_000_000),
    ownCard: fc.constant(null),
    isReplaced: fc.constant(false),
  }),
  { selector: ({ id }) => id, maxLength: 6 },
);

describe('what a subscription is worth', () => {
  it.each(STATES)('the state %s is worth %o', (state, { pro, over }) => {
    expect(givesPro(state)).toBe(pro);
    expect(isOver(state)).toBe(over);
  });

  it('every subscription state of Stripe is in the table', () => {
    expect(STATES.map(([state]) => state).toSorted()).toEqual([...SUBSCRIPTION_STATES].toSorted());
  });

  it('a state that gives Pro is never a final state', () => {
    for (const state of SUBSCRIPTION_STATES) expect(givesPro(state) && isOver(state)).toBe(false);
  });
});

describe('which of several subscriptions counts', () => {
  it('without subscriptions, no subscription counts', () => {
    expect(currentSubscription([])).toBeNull();
  });

  it.each(STATES.slice(1).map(([worse], i) => [STATES[i]?.[0] ?? 'active', worse] as const))(
    'a subscription that is %s counts before %s, even if that one is newer',
    (better, worse) => {
      const old = subscription({ id: 'sub_old', state: better, created: 1 });
      const young = subscription({ id: 'sub_young', state: worse, created: 2 });
      expect(currentSubscription([old, young])?.id).toBe('sub_old');
      expect(currentSubscription([young, old])?.id).toBe('sub_old');
    },
  );

  it('of two equal subscriptions the newer one counts, and at the same second always the same one', () => {
    // The newer one has the smaller id. Time must decide before the id.
    const [first, second] = [subscription({ id: 'sub_z' }), subscription({ id: 'sub_b', created: 2 })];
    expect(currentSubscription([first, second])?.id).toBe('sub_b');
    const twin = subscription({ id: 'sub_c', created: 2 });
    expect(currentSubscription([twin, second])).toEqual(currentSubscription([second, twin]));
  });

  it('the order in which Stripe lists subscriptions does not matter', () => {
    const shuffled = anySubscriptions.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(currentSubscription(other)).toEqual(currentSubscription(all));
      }),
    );
  });

  it('a subscription that gives Pro counts before all others', () => {
    fc.assert(
      fc.property(anySubscriptions, (all) => {
        const current = currentSubscription(all);
        const isPro = current !== null && givesPro(current.state);
        expect(isPro).toBe(all.some(({ state }) => givesPro(state)));
      }),
    );
  });

  it('the stored subscription has only the fields that the head keeps', () => {
    const kept = currentSubscription([subscription({ cancelAtPeriodEnd: true, endsAt: 5, ownCard: 'pm_1' })]);
    expect(kept).toEqual({
      id: 'sub_1',
      plan: 'pro',
      state: 'active',
      cancelAtPeriodEnd: true,
      currentPeriodEnd: null,
      coveredUntil: null,
      collects: true,
    });
  });
});

describe('the plan that follows', () => {
  it.each(STATES)('the plan follows from %s', (state, { pro, oncePaid }) => {
    const paid = { state, coveredUntil: '2026-01-01T00:00:00.000Z' };
    expect(planWith(subscription(paid), 'pro')).toBe(pro ? 'pro' : 'pay_as_you_go');
    expect(planWith(subscription(paid), 'pay_as_you_go')).toBe(pro ? 'pro' : 'pay_as_you_go');
    // A customer whose subscription was created in the dashboard: the trial ends only with a payment.
    const fromTrial = pro ? 'pro' : oncePaid ? 'pay_as_you_go' : 'trial';
    expect(planWith(subscription(paid), 'trial')).toBe(fromTrial);
  });

  it('without a subscription a trial stays a trial, and no other customer returns to it', () => {
    expect(planWith(null, 'trial')).toBe('trial');
    expect(planWith(null, 'pay_as_you_go')).toBe('pay_as_you_go');
    expect(planWith(null, 'pro')).toBe('pay_as_you_go');
  });
});

describe('of two subscriptions that are the same in everything but their ids', () => {
  it('the subscription with the greater id counts, whichever arrives first', () => {
    const two = [subscription({ id: 'sub_a' }), subscription({ id: 'sub_b' })];
    expect(currentSubscription(two)?.id).toBe('sub_b');
    expect(currentSubscription(two.toReversed())?.id).toBe('sub_b');
  });
});

describe('the plan at a moment', () => {
  const PAID_UNTIL = '2026-02-01T00:00:00.000Z';
  const paidUntilMs = Date.parse(PAID_UNTIL);
  const DAY_MS = 24 * 60 * 60 * 1000;
  const planAfter = (facts: Partial<ProSubscription>, ms: number) =>
    planAt(
      { subscriptionType: 'pro', subscription: subscription({ coveredUntil: PAID_UNTIL, ...facts }) },
      new Date(paidUntilMs + ms),
    );

  it('past_due keeps the Pro rate for exactly 21 days after the paid period, without any event', () => {
    for (const state of ['active', 'trialing', 'past_due'] as const) {
      expect(planAfter({ state }, 21 * DAY_MS - 1)).toBe('pro');
      expect(planAfter({ state }, 21 * DAY_MS)).toBe('pay_as_you_go');
    }
  });

  it('while Stripe does not collect, the Pro rate ends with the paid period', () => {
    expect(planAfter({ collects: false }, -1)).toBe('pro');
    expect(planAfter({ collects: false }, 0)).toBe('pay_as_you_go');
  });

  it('a subscription that is set to end gives the Pro rate exactly until its period ends, without any event', () => {
    const ending = { cancelAtPeriodEnd: true, currentPeriodEnd: PAID_UNTIL };
    expect(planAfter(ending, -1)).toBe('pro');
    expect(planAfter(ending, 0)).toBe('pay_as_you_go');
  });

  it('a past-due subscription that is set to end keeps the grace, but not beyond its period', () => {
    const ending = (days: number): Partial<ProSubscription> => ({
      state: 'past_due',
      cancelAtPeriodEnd: true,
      currentPeriodEnd: new Date(paidUntilMs + days * DAY_MS).toISOString(),
    });
    expect(planAfter(ending(30), 21 * DAY_MS - 1)).toBe('pro');
    expect(planAfter(ending(30), 21 * DAY_MS)).toBe('pay_as_you_go');
    expect(planAfter(ending(7), 7 * DAY_MS - 1)).toBe('pro');
    expect(planAfter(ending(7), 7 * DAY_MS)).toBe('pay_as_you_go');
  });

  it('a subscription that is set to end at an unknown time gives the Pro rate until its grace is over', () => {
    const ending = { cancelAtPeriodEnd: true, currentPeriodEnd: null };
    expect(planAfter(ending, 21 * DAY_MS - 1)).toBe('pro');
    expect(planAfter(ending, 21 * DAY_MS)).toBe('pay_as_you_go');
  });

  it('the Pro rate of a subscription with no paid period ends at time 0', () => {
    expect(endOfPro(subscription({ coveredUntil: null }))).toBe(0);
  });

  it('a subscription with no paid period gives no Pro rate', () => {
    expect(planAfter({ coveredUntil: null }, -1)).toBe('pay_as_you_go');
  });

  it('a subscription that is over, paused, unpaid or incomplete gives no Pro rate, even in a paid period', () => {
    for (const state of SUBSCRIPTION_STATES.filter((one) => !givesPro(one)))
      expect(planAfter({ state }, -1)).toBe('pay_as_you_go');
  });

  it('a customer without Pro keeps the plan at all times', () => {
    for (const subscriptionType of ['trial', 'pay_as_you_go'] as const)
      expect(planAt({ subscriptionType, subscription: null }, new Date(0))).toBe(subscriptionType);
  });

  it('Pro without a subscription is charged at the rate of pay as you go', () => {
    expect(planAt({ subscriptionType: 'pro', subscription: null }, new Date(0))).toBe('pay_as_you_go');
  });

  it('time alone never starts the Pro rate', () => {
    const moments = fc.integer({ min: -90 * DAY_MS, max: 90 * DAY_MS });
    fc.assert(
      fc.property(anySubscriptions, moments, moments, (all, a, b) => {
        const current = currentSubscription(all);
        const head = { subscriptionType: planWith(current, 'pay_as_you_go'), subscription: current };
        const [early, late] = [Math.min(a, b), Math.max(a, b)].map((ms) =>
          planAt(head, new Date(paidUntilMs + ms)),
        );
        if (late === 'pro') expect(early).toBe('pro');
      }),
    );
  });

  it('of several subscriptions, the one with the longest Pro rate counts', () => {
    const paid = subscription({ id: 'sub_paid', state: 'past_due', coveredUntil: PAID_UNTIL });
    const held = subscription({ id: 'sub_held', coveredUntil: PAID_UNTIL, collects: false, created: 2 });
    expect(currentSubscription([held, paid])?.id).toBe('sub_paid');
  });

  it('of two subscriptions paid until the same time, the one that continues counts, not a newer one that is set to end', () => {
    const period = { currentPeriodEnd: PAID_UNTIL, coveredUntil: PAID_UNTIL };
    const on = subscription({ id: 'sub_on', ...period });
    const ending = subscription({ id: 'sub_ending', ...period, cancelAtPeriodEnd: true, created: 2 });
    expect(currentSubscription([ending, on])?.id).toBe('sub_on');
  });
});

describe('subscriptions that go on', () => {
  it('two Pro subscriptions that Stripe will renew are both reported, for support', () => {
    const all = [
      subscription({ id: 'sub_1' }),
      subscription({ id: 'sub_2', state: 'past_due' }),
      subscription({ id: 'sub_3', endsAt: 5 }),
      subscription({ id: 'sub_4', state: 'unpaid' }),
      subscription({ id: 'sub_5', state: 'canceled' }),
    ];
    expect(goingOn(all).map(({ id }) => id)).toEqual(['sub_1', 'sub_2']);
  });
});

describe('the end of Pro', () => {
  const active = subscription();
  const set = subscription({ cancelAtPeriodEnd: true });
  const pastDue = subscription({ state: 'past_due' });
  const over = subscription({ state: 'canceled' });

  it.each([
    ['a cancellation at the period end', active, set, 'set_to_end'],
    [
      'a cancellation of a past-due subscription',
      pastDue,
      subscription({ ...set, state: 'past_due' }),
      'set_to_end',
    ],
    ['the end of a cancelled period', set, over, 'as_planned'],
    ['an immediate cancellation', active, over, 'now'],
    ['a trial that ends without a card', active, subscription({ state: 'paused' }), 'unpaid'],
    ['a failure seen late', active, subscription({ state: 'unpaid' }), 'unpaid'],
    ['a deletion at Stripe', active, null, 'now'],
    ['renewals that stay unpaid', pastDue, subscription({ state: 'unpaid' }), 'unpaid'],
    ['the end of an unpaid subscription', pastDue, over, 'unpaid'],
    ['no change', set, subscription({ cancelAtPeriodEnd: true }), null],
    ['a withdrawn cancellation', set, active, null],
    ['a failed renewal', active, pastDue, null],
    ['a new subscription', null, active, null],
    ['a new subscription that is set to end', null, set, null],
    [
      'another subscription that is set to end',
      active,
      subscription({ id: 'sub_2', cancelAtPeriodEnd: true }),
      null,
    ],
    ['a subscription that was over before', over, null, null],
  ] as const)('%s has the right name', (_, before, after, ending) => {
    expect(endingOf(before, after)).toBe(ending);
  });
});
