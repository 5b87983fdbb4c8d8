import { describe, expect, it } from 'vitest';
import { CHARGE_STATES } from '../../lib/domain/fix-attempt.ts';
import { chargedFix, decideFixBilling } from '../../lib/domain/fix-billing.ts';
import { chargeOf, fixOf, headWith, onPlan } from '../support/heads.ts';

const AT = new Date('2026-01-02T00:00:00.000Z');
const CARD = { paymentMethodId: 'pm_1', stripeCustomerId: 'cus_1' };
const FIX_FACTS = { fix_attempt_id: 'f1', github_org: 'acme', repo_name: 'webshop', pr_number: 1 };

describe('a merged fix', () => {
  it('a merged fix costs one credit, in an entry that names fix and pull request', () => {
    expect(decideFixBilling(headWith({ balance: 3 }), fixOf(), AT)).toEqual({
      kind: 'consume',
      posting: { amount: -1, source: 'fix_deployed', metadata: FIX_FACTS },
    });
  });

  it('a fix without credits is charged to the card on file, as an attempt with all parameters of the call', () => {
    expect(decideFixBilling(headWith({ ...CARD, ...onPlan('pro') }), fixOf(), AT)).toEqual({
      kind: 'charge',
      charge: chargeOf({ amountCents: 1_500, rate: 'pro', startedAt: AT.toISOString() }),
    });
  });

  it('after a closed attempt, a fix is charged as the next attempt', () => {
    const fix = fixOf({ charge: chargeOf({ attempt: 3, state: 'closed' }) });
    expect(decideFixBilling(headWith(CARD), fix, AT)).toMatchObject({
      kind: 'charge',
      charge: { attempt: 4, state: 'charging', paymentIntentId: null },
    });
  });

  it.each([
    ['no card', { stripeCustomerId: 'cus_1' }],
    ['a card of nobody at Stripe', { paymentMethodId: 'pm_1' }],
    ['neither', {}],
  ])('without credits and with %s, a fix is blocked for lack of billing information', (_name, facts) => {
    expect(decideFixBilling(headWith(facts), fixOf(), AT)).toEqual({
      kind: 'blocked',
      code: 'no_billing_info',
      reasons: ['no_billing_info'],
      balance: 0,
    });
  });

  it('a blocked fix lists all obstacles, with the first one as its code', () => {
    const head = headWith({ openDisputes: ['dp_1'] });
    expect(decideFixBilling(head, fixOf(), AT)).toMatchObject({
      code: 'no_billing_info',
      reasons: ['no_billing_info', 'account_disputed'],
    });
  });

  it('no card is charged while a payment of its owner is disputed', () => {
    const head = headWith({ ...CARD, openDisputes: ['dp_1'] });
    expect(decideFixBilling(head, fixOf(), AT)).toEqual({
      kind: 'blocked',
      code: 'account_disputed',
      reasons: ['account_disputed'],
      balance: 0,
    });
    expect(decideFixBilling({ ...head, balance: 1 }, fixOf(), AT).kind).toBe('consume');
  });
});

describe('a fix whose charge was announced', () => {
  const charge = chargeOf();

  it('an announced charge is finished before anything else, whatever the balance', () => {
    for (const balance of [0, 5]) {
      const decision = decideFixBilling(headWith({ ...CARD, balance }), fixOf({ charge }), AT);
      expect(decision).toEqual({ kind: 'resume', charge });
    }
  });

  it.each([
    ['action_required', CARD, 'await_cardholder', 'the cardholder can still confirm it'],
    ['action_required', { ...CARD, paymentMethodId: 'pm_2' }, 'close_first', 'another card pays now'],
    ['action_required', { balance: 1 }, 'close_first', 'a credit pays now'],
    ['action_required', {}, 'blocked', 'there is no way to pay'],
    ['declined', CARD, 'close_first', 'it could still be paid'],
    ['declined', { balance: 1, ...CARD }, 'close_first', 'it could still be paid'],
    ['declined', {}, 'blocked', 'there is no way to pay'],
    ['closed', { balance: 1 }, 'consume', 'the attempt ended without a payment'],
    ['closed', {}, 'blocked', 'there is no way to pay'],
  ] as const)('a charge that stands at %s, with %j, decides %s, because %s', (state, facts, kind, _why) => {
    const stands = chargeOf({ state, paymentIntentId: 'pi_1' });
    const decision = decideFixBilling(headWith(facts), fixOf({ charge: stands }), AT);
    expect(decision.kind).toBe(kind);
    if (kind === 'await_cardholder' || kind === 'close_first')
      expect(decision).toEqual({ kind, charge: stands });
  });

  it('a fix is not charged again while its first charge can still be paid', () => {
    for (const state of CHARGE_STATES.filter((one) => one !== 'closed')) {
      for (const paymentMethodId of ['pm_1', 'pm_2']) {
        const decision = decideFixBilling(
          headWith({ ...CARD, paymentMethodId }),
          fixOf({ charge: chargeOf({ state }) }),
          AT,
        );
        expect(decision.kind).not.toBe('charge');
      }
    }
  });
});

describe('a fix that a card paid', () => {
  it('a fix paid by card has two entries, and only the purchased credit has the amount of the charge', () => {
    const paid = { payment_intent_id: 'pi_1', amount_cents: 2_900 };
    expect(chargedFix(fixOf(), { paymentIntentId: 'pi_1', amountCents: 2_900 })).toEqual([
      { amount: 1, source: 'purchased', metadata: { fix_attempt_id: 'f1', ...paid } },
      { amount: -1, source: 'fix_deployed', metadata: { ...FIX_FACTS, payment_intent_id: 'pi_1' } },
    ]);
  });
});
