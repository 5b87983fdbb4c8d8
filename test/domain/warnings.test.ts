import { describe, expect, it } from 'vitest';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import { type CardTries, NO_TRIES } from '../../lib/domain/payments/card-tries.ts';
import { accountWarnings, type WarningCode } from '../../lib/domain/warnings.ts';
import { headWith, NOTHING_SPENT, proUntil } from '../support/heads.ts';

const AT = new Date('2026-01-20T12:00:00.000Z');
const CARD = { paymentMethodId: 'pm_1', stripeCustomerId: 'cus_1', cardKey: 'fp_1' };
const DECLINED: CardTries = { ...NO_TRIES, declines: [AT.toISOString()], lastCode: 'do_not_honor' };
const LOST: CardTries = { ...DECLINED, lastCode: 'lost_card', isHard: true };

/** All warnings of a customer, each as its code and message. */
const warned = (facts: Partial<CustomerHead>, tries: CardTries = NO_TRIES) =>
  accountWarnings(headWith(facts), { fp_1: tries }, NOTHING_SPENT, AT).map(({ code, message }) => [
    code,
    message,
  ]);

const DISPUTED =
  'A payment is disputed: until it is settled no card is charged, and only credits pay for fixes. ' +
  'Ask support.';
const LIMITED =
  'The monthly spending limit leaves no room for another fix: only credits pay for fixes until 2026-02-01. ' +
  'Raise the limit, or wait.';
const TRIED_LATER =
  'The card was declined. It is not charged again before 2026-01-20T13:00:00.000Z. ' +
  'Add another card, or wait.';
const NEVER_TRIED = 'The card was declined, and its bank will not accept it again. Add another card.';

describe('the warnings of an account', () => {
  it.each<
    [string, Partial<CustomerHead>, CardTries, string, (readonly [code: WarningCode, message: string])[]]
  >([
    ['a card that can be charged', CARD, NO_TRIES, 'No credits left: the next fix is charged $29.00.', []],
    [
      'an open dispute',
      { ...CARD, openDisputes: ['du_1'] },
      NO_TRIES,
      'No credits left and a payment is disputed: the next fix is blocked.',
      [['account_disputed', DISPUTED]],
    ],
    [
      'a limit without room for a fix',
      { ...CARD, spendingLimitCents: 2_899 },
      NO_TRIES,
      'No credits left and the monthly spending limit is reached: the next fix is blocked.',
      [['spending_limit_reached', LIMITED]],
    ],
    [
      'a card that was just declined',
      CARD,
      DECLINED,
      'No credits left and the card was declined: the next fix is blocked.',
      [['card_declined', TRIED_LATER]],
    ],
    [
      'a card that its bank rejects permanently',
      CARD,
      LOST,
      'No credits left and the card was declined: the next fix is blocked.',
      [['card_declined', NEVER_TRIED]],
    ],
  ])(
    'with %s, the reason has its own warning, and without credits another is about the next fix',
    (_, facts, tries, message, reasons) => {
      expect(warned({ ...facts, balance: 0 }, tries)).toEqual([['no_credits', message], ...reasons]);
      expect(warned({ ...facts, balance: 6 }, tries)).toEqual(reasons);
    },
  );

  it('without credits and without a card, the warning asks for a payment method', () => {
    const message =
      'No credits left and no payment method on file: the next fix is blocked. Add a payment method.';
    expect(warned({ balance: 0 })).toEqual([['no_credits_no_card', message]]);
  });

  it('all warnings of an account are listed, always in the same order', () => {
    const all = warned(
      {
        ...{ ...CARD, balance: 1, debt: 2, openDisputes: ['du_1'], spendingLimitCents: 0 },
        subscriptionType: 'pro',
        subscription: proUntil('2026-02-01T00:00:00.000Z', { state: 'past_due' }),
        freeUntil: '2026-02-01T00:00:00.000Z',
      },
      LOST,
    );
    expect(all).toEqual([
      ['low_credits', '1 credit left.'],
      [
        'past_due',
        'The last Pro invoice could not be paid. The Pro rate ends on 2026-02-22. ' +
          'The invoice is not paid while a payment is disputed. Ask support.',
      ],
      ['free_period', 'This period costs $0, so it brought no credits. The first paid period brings them.'],
      ['account_disputed', DISPUTED],
      ['spending_limit_reached', LIMITED],
      ['card_declined', NEVER_TRIED],
      ['credits_owed', 'You owe 2 credits: the next credits that you get are reduced by that number.'],
    ]);
  });

  it.each([
    ['2026-01-20T12:00:00.001Z', false],
    ['2026-01-20T12:00:00.000Z', true],
  ])(
    'at 12:00, a subscription without collection that is paid until %s is not collected: %s',
    (coveredUntil, isWarned) => {
      const facts = { balance: 60, subscriptionType: 'pro', spendingLimitCents: null } as const;
      const message =
        'Your subscription is active, but no card is charged for it and no period is paid: ' +
        'fixes cost the pay-as-you-go price. Ask support.';
      expect(warned({ ...facts, subscription: proUntil(coveredUntil, { collects: false }) })).toEqual(
        isWarned ? [['not_collected', message]] : [],
      );
    },
  );
});
