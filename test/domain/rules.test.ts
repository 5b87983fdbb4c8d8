import { describe, expect, it } from 'vitest';
import { formatApiKey, parseApiKey, redactApiKeys } from '../../lib/domain/api-key.ts';
import { type CustomerHead, NEW_PROFILE } from '../../lib/domain/customer.ts';
import { domainsOf } from '../../lib/domain/email.ts';
import { BILLING_CONSENT, billingConsent } from '../../lib/domain/evidence/billing-consent.ts';
import { chargeKey, chargeTexts, fixAttemptId, laterAttemptId, tryOf } from '../../lib/domain/fix-attempt.ts';
import { decideFixBilling } from '../../lib/domain/fix-billing.ts';
import {
  FIX_PRICE_CENTS,
  fixRate,
  isPlan,
  isSold,
  NO_SOLD_PRICES,
  PLAN_NAMES,
  RATES,
  SOLD_PLANS,
  soldPriceOf,
} from '../../lib/domain/plans.ts';
import { formatUsd } from '../../lib/domain/pricing.ts';
import {
  isProbeCustomerEmail,
  isTestCustomerEmail,
  probeCustomerEmail,
  testCustomerEmail,
} from '../../lib/domain/test-customer.ts';
import { accountWarnings } from '../../lib/domain/warnings.ts';
import { chargeOf, fixOf, headWith, NOTHING_SPENT, onPlan, proUntil } from '../support/heads.ts';

const head = headWith;
const fix = fixOf();
const AT = new Date('2026-01-02T00:00:00.000Z');
const CARD = { paymentMethodId: 'pm_1', stripeCustomerId: 'cus_1' };

describe('deciding what a merged fix costs', () => {
  it.each([
    ['a credit, when there is one', { balance: 1 }, 'consume'],
    ['a credit before the card', { balance: 1, ...CARD }, 'consume'],
    ['nothing: blocked without credits and card', { balance: 0 }, 'blocked'],
    ['blocked also for Pro without a usable card', { balance: 0, subscriptionType: 'pro' }, 'blocked'],
  ] as const)('%s', (_name, facts, kind) => {
    expect(decideFixBilling(head(facts), fix, AT).kind).toBe(kind);
  });

  it.each([
    ['trial', 2900],
    ['pay_as_you_go', 2900],
    ['pro', 1500],
  ] as const)(
    'without credits, a %s customer with a card is charged %i cents',
    (subscriptionType, amountCents) => {
      const decision = decideFixBilling(head({ balance: 0, ...CARD, ...onPlan(subscriptionType) }), fix, AT);
      expect(decision).toMatchObject({ kind: 'charge', charge: { amountCents, attempt: 1 } });
    },
  );

  it('a billed fix costs nothing more, whatever the balance', () => {
    const billed = {
      outcome: 'credit_consumed',
      amountCents: 0,
      billedAt: 'x',
      seq: 0,
      paymentIntentId: null,
      spendingMonth: null,
    } as const;
    expect(decideFixBilling(head({ balance: 0 }), { ...fix, billed }, AT).kind).toBe('already_billed');
  });

  it('billing is not decided on a head older than the entry that billed the fix', () => {
    const billed = {
      outcome: 'credit_consumed',
      amountCents: 0,
      billedAt: 'x',
      seq: 2,
      paymentIntentId: null,
      spendingMonth: null,
    } as const;
    expect(decideFixBilling(head({ balance: 5, seq: 1 }), { ...fix, billed }, AT).kind).toBe('stale');
    expect(decideFixBilling(head({ balance: 4, seq: 2 }), { ...fix, billed }, AT).kind).toBe(
      'already_billed',
    );
  });
});

describe('warnings', () => {
  const codes = (facts: Partial<CustomerHead>) =>
    accountWarnings(head(facts), {}, NOTHING_SPENT, AT).map(({ code }) => code);

  it('without credits, the warnings say exactly what billing decides: charged, blocked without a card, blocked by a dispute', () => {
    for (const facts of [{}, CARD, { openDisputes: ['du_1'] }, { ...CARD, openDisputes: ['du_1'] }]) {
      const customer = head({ balance: 0, ...facts });
      const decision = decideFixBilling(customer, fixOf(), AT);
      const [warning] = accountWarnings(customer, {}, NOTHING_SPENT, AT);
      const isBlocked = decision.kind === 'blocked';
      expect(warning?.message.includes('the next fix is blocked')).toBe(isBlocked);
      expect(warning?.message.includes('the next fix is charged $29.00')).toBe(!isBlocked);
    }
  });

  it('warnings about a dispute and owed credits appear even while credits are left', () => {
    expect(codes({ balance: 60, openDisputes: ['du_1'] })).toEqual(['account_disputed']);
    expect(codes({ balance: 60, debt: 10 })).toEqual(['credits_owed']);
    const [owed] = accountWarnings(head({ balance: 6, debt: 1 }), {}, NOTHING_SPENT, AT);
    expect(owed?.message).toBe('You owe 1 credit: the next credits that you get are reduced by that number.');
  });

  it('there are exactly four conditions for a warning', () => {
    expect(codes({ balance: 6 })).toEqual([]);
    expect(codes({ balance: 5 })).toEqual(['low_credits']);
    expect(codes({ balance: 1 })).toEqual(['low_credits']);
    expect(codes({ balance: 0 })).toEqual(['no_credits_no_card']);
    expect(codes({ balance: 0, ...CARD })).toEqual(['no_credits']);
    const subscription = proUntil('2026-02-01T00:00:00.000Z', { state: 'past_due' });
    expect(codes({ balance: 60, subscription, subscriptionType: 'pro' })).toEqual(['past_due']);
  });

  it('warnings of a past-due subscription say what pays its invoice: a card, subscribing again, or support', () => {
    const message = (facts: Parameters<typeof proUntil>[1], openDisputes: string[] = []) => {
      const subscription = proUntil('2026-02-01T00:00:00.000Z', { state: 'past_due', ...facts });
      return accountWarnings(
        head({ balance: 60, subscription, subscriptionType: 'pro', openDisputes }),
        {},
        NOTHING_SPENT,
        AT,
      )[0]?.message;
    };
    expect(message({})).toContain('Add a card or subscribe again to pay the invoice.');
    expect(message({ cancelAtPeriodEnd: true })).toContain('subscribe again: that pays the invoice');
    expect(message({ collects: false })).toContain('not paid by card. Ask support.');
    expect(message({}, ['du_1'])).toContain('not paid while a payment is disputed');
  });

  it('warnings of a subscription with paused collection say why fixes cost the pay-as-you-go price after its period', () => {
    const paused = { balance: 60, subscriptionType: 'pro' } as const;
    const until = (end: string) => proUntil(end, { collects: false });
    expect(codes({ ...paused, subscription: until('2026-01-03T00:00:00.000Z') })).toEqual([]);
    expect(codes({ ...paused, subscription: until('2026-01-01T00:00:00.000Z') })).toEqual(['not_collected']);
  });

  it("without credits, the warning states the price of the next fix at the plan's rate", () => {
    const message = (subscriptionType: 'pro' | 'pay_as_you_go') =>
      accountWarnings(head({ balance: 0, ...CARD, ...onPlan(subscriptionType) }), {}, NOTHING_SPENT, AT)[0]
        ?.message;
    expect(message('pay_as_you_go')).toContain('$29.00');
    expect(message('pro')).toContain('$15.00');
  });

  it('the warning of no credits has its own code without a card, and another while a payment is disputed', () => {
    expect(codes({ balance: 0, openDisputes: ['du_1'] })).toEqual(['no_credits_no_card', 'account_disputed']);
    expect(codes({ balance: 0, ...CARD, openDisputes: ['du_1'] })).toEqual([
      'no_credits',
      'account_disputed',
    ]);
    const [, disputed] = accountWarnings(head({ balance: 0, openDisputes: ['du_1'] }), {}, NOTHING_SPENT, AT);
    expect(disputed?.message).toContain('until it is settled no card is charged');
  });

  it('the warning of a $0 period lasts as long as the period and the plan', () => {
    const pro = { balance: 60, ...onPlan('pro') };
    expect(codes({ ...pro, freeUntil: '2026-01-02T00:00:00.001Z' })).toEqual(['free_period']);
    expect(codes({ ...pro, freeUntil: AT.toISOString() })).toEqual([]);
    expect(codes({ ...pro, freeUntil: '2026-01-01T23:59:59.999Z' })).toEqual([]);
    expect(codes({ balance: 60, freeUntil: '2026-01-03T00:00:00.000Z' })).toEqual([]);
    const [free] = accountWarnings(
      head({ ...pro, freeUntil: '2026-01-03T00:00:00.000Z' }),
      {},
      NOTHING_SPENT,
      AT,
    );
    expect(free?.message).toContain('costs $0');
  });

  it('the warning of a past-due renewal states the day on which the Pro rate ends or ended', () => {
    const subscription = proUntil('2026-02-01T00:00:00.000Z', { state: 'past_due' });
    const message = (at: string) =>
      accountWarnings(
        head({ balance: 60, subscription, subscriptionType: 'pro' }),
        {},
        NOTHING_SPENT,
        new Date(at),
      )[0]?.message;
    expect(message('2026-02-02T00:00:00.000Z')).toBe(
      'The last Pro invoice could not be paid. The Pro rate ends on 2026-02-22. Add a card or subscribe again to pay the invoice.',
    );
    expect(message('2026-02-22T00:00:00.000Z')).toContain('The Pro rate has ended.');
    expect(message('2026-02-21T23:59:59.999Z')).toContain('ends on 2026-02-22');
  });

  it('warnings state how many credits are left, singular or plural', () => {
    const messages = (balance: number) =>
      accountWarnings(head({ balance }), {}, NOTHING_SPENT, AT).map(({ message }) => message);
    expect(messages(1)).toEqual(['1 credit left.']);
    expect(messages(2)).toEqual(['2 credits left.']);
  });
});

describe('fix attempt ids', () => {
  it('the id of a fix attempt ignores the case of organisation and repository', () => {
    const id = fixAttemptId({ githubOrg: 'Acme', repoName: 'WebShop', prNumber: 7 });
    expect(fixAttemptId({ githubOrg: 'acme', repoName: 'webshop', prNumber: 7 })).toBe(id);
    expect(fixAttemptId({ githubOrg: 'acme', repoName: 'webshop', prNumber: 8 })).not.toBe(id);
  });

  it('the id of a fix attempt is the same in every release, because fixes are stored under it', () => {
    const id = fixAttemptId({ githubOrg: 'Acme', repoName: 'WebShop', prNumber: 7 });
    expect(id).toBe('3b6719be80c911db7475a4786075a95a');
  });

  it('each later repository under the same names gets other fix ids', () => {
    const pull = { githubOrg: 'Acme', repoName: 'WebShop', prNumber: 7 };
    expect(laterAttemptId(pull, 42)).toBe('6520b284e9352a9dab847dd9b338c367');
    expect(laterAttemptId({ ...pull, githubOrg: 'ACME' }, 42)).toBe(laterAttemptId(pull, 42));
    expect(laterAttemptId(pull, 43)).not.toBe(laterAttemptId(pull, 42));
  });

  it('a charge attempt has one key, made of customer, fix and attempt', () => {
    expect(chargeKey('c1', 'f1', 2)).toBe('fix:c1:f1:2');
  });

  it('a charge attempt is one try of its card', () => {
    const charge = chargeOf({ attempt: 2, cardKey: 'fp_1' });
    expect(tryOf({ id: 'f1' }, charge)).toEqual({ cardKey: 'fp_1', id: 'f1:2' });
  });

  it.each([
    [7, 'FIX 7'],
    [999_999, 'FIX 999999'],
    [1_000_000, 'FIX'],
  ])(
    'the charge for pull request %i is %j on a card statement, which has 10 characters for it',
    (n, suffix) => {
      expect(chargeTexts({ ...fix, prNumber: n }, 'a@x.io')).toEqual({
        description: `RSOLV fix #${n}`,
        statementSuffix: suffix,
        receiptEmail: 'a@x.io',
      });
    },
  );
});

describe('API keys', () => {
  const customerId = 'c'.repeat(32);
  const key = formatApiKey(customerId, new Uint8Array(32).fill(255));

  it('an API key contains its customer and is stored only as a hash', () => {
    expect(parseApiKey(key)?.customerId).toBe(customerId);
    expect(parseApiKey(key)?.keyId).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(['', 'rsolv_', `${key}x`, key.slice(0, -1), key.replace('rsolv', 'other'), `x${key}`, `${key}\n`])(
    'text that is almost an API key is rejected: %j',
    (textual) => expect(parseApiKey(textual)).toBeNull(),
  );

  it('API keys are removed everywhere in a redacted text', () => {
    const redacted = redactApiKeys(`a ${key} and ${key}.`);
    expect(redacted).not.toContain(key);
    expect(redacted).toBe('a rsolv_[redacted] and rsolv_[redacted].');
  });
});

describe('addresses of test customers', () => {
  const email = testCustomerEmail(new Uint8Array(8).fill(0xa1));

  it('addresses of test customers are recognised', () => {
    expect(email).toBe('smoke+a1a1a1a1a1a1a1a1@rsolv.dev');
    expect([isTestCustomerEmail(email), isProbeCustomerEmail(email)]).toEqual([true, false]);
    const probes = probeCustomerEmail(new Uint8Array(8).fill(0xa1));
    expect(probes).toBe('probe+a1a1a1a1a1a1a1a1@rsolv.dev');
    expect([isTestCustomerEmail(probes), isProbeCustomerEmail(probes)]).toEqual([true, true]);
  });

  it.each([
    `x${email}`,
    `x${probeCustomerEmail(new Uint8Array(8).fill(0xa1))}`,
    `${email}.example`,
    'smoke+a1@rsolv.dev',
    'probe+a1@rsolv.dev',
    'probe+a1a1a1a1a1a1a1a1@rsolv.dev.example',
    'smoke+a@rsolv.dev',
    'smoke+zzzzzzzzzzzzzzzz@rsolv.dev',
    'smoke+a1a1a1a1a1a1a1a1@rsolvxdev',
    'somebody@rsolv.dev',
  ])('an address is not a test address: %s', (other) => expect(isTestCustomerEmail(other)).toBe(false));
});

describe('a consent to be charged', () => {
  it("a billing consent keeps today's text and version, the card, the time, and how it was given", () => {
    const origin = { sourceIp: '1.2.3.4', userAgent: null, by: { kind: 'api_key', keyId: 'k1' } } as const;
    expect(billingConsent('pm_1', origin, AT)).toEqual({
      ...origin,
      ...BILLING_CONSENT,
      paymentMethodId: 'pm_1',
      givenAt: '2026-01-02T00:00:00.000Z',
    });
    expect(BILLING_CONSENT).toEqual({
      version: '2026-12-01',
      text: 'The cardholder agrees that merged fixes are charged when no credits are left.',
    });
  });
});

describe('the plans', () => {
  it('plans are known by their names, and some of them are sold', () => {
    expect(PLAN_NAMES).toEqual(['trial', 'pay_as_you_go', 'pro']);
    expect(SOLD_PLANS).toEqual(['pro']);
    expect([isPlan('pro'), isPlan('other'), isPlan('toString')]).toEqual([true, false, false]);
    expect(PLAN_NAMES.map(isSold)).toEqual([false, false, true]);
  });

  it('each plan charges a fix at one of the rates', () => {
    expect(RATES).toEqual(['pay_as_you_go', 'pro']);
    expect(PLAN_NAMES.map(fixRate)).toEqual(['pay_as_you_go', 'pay_as_you_go', 'pro']);
    expect(FIX_PRICE_CENTS).toEqual({ pay_as_you_go: 2_900, pro: 1_500 });
  });

  it("a plan is shown at Stripe's price, or at the table's before the first read", () => {
    const atStripe = { monthCents: 49_900, credits: 50 };
    expect(soldPriceOf(new Map([['pro', atStripe]]), 'pro')).toEqual(atStripe);
    expect(soldPriceOf(NO_SOLD_PRICES, 'pro')).toEqual({ monthCents: 59_900, credits: 60 });
  });
});

describe('small rules', () => {
  it('a new customer is on trial, owes nothing, and has muted nothing', () => {
    expect(NEW_PROFILE).toEqual({
      emailState: 'unconfirmed',
      newEmail: null,
      closingAskedAt: null,
      subscriptionType: 'trial',
      subscription: null,
      freeUntil: null,
      paymentMethodId: null,
      cardKey: null,
      cardExpires: null,
      stripeCustomerId: null,
      formerStripeCustomerId: null,
      openDisputes: [],
      debt: 0,
      spendingLimitCents: 290_000,
      mutedNotices: [],
      closedAt: null,
    });
  });

  it('money is written with two decimals', () => {
    expect([2900, 1500, 59900, 5, 100].map(formatUsd)).toEqual([
      '$29.00',
      '$15.00',
      '$599.00',
      '$0.05',
      '$1.00',
    ]);
  });

  it('the domains of an address go up to the top level, without it', () => {
    expect(domainsOf('x@a.b.Example.com')).toEqual(['a.b.example.com', 'b.example.com', 'example.com']);
  });
});
