import { describe, expect, it } from 'vitest';
import { NOTICE_KINDS } from '../../lib/domain/notice-kinds.ts';
import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { NO_SOLD_PRICES } from '../../lib/domain/plans.ts';
import { longDay } from '../../lib/mail/day.ts';
import { layOut } from '../../lib/mail/layout.ts';
import { letterOf } from '../../lib/mail/letters.ts';
import { AT, LETTERS, PULL_REQUEST, SIGN_IN_URL } from '../support/letters.ts';

/** The facts of a customer who is offered Pro. */
const OFFERING = {
  hasCard: true,
  isDisputed: false,
  isDeclined: false,
  isOverLimit: false,
  rate: 'pay_as_you_go',
} as const;

const FRAME = {
  name: 'Acme',
  appUrl: 'https://app.rsolv.dev',
  apiUrl: 'https://q1w2e3r4t5.execute-api.us-east-1.amazonaws.com',
  isOptional: true,
  unsubscribeUrl: null,
};
const textOf = (html: string) =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replace(/\s+/g, ' ');

describe('a letter', () => {
  it.each(LETTERS)('the letter of %o has the amount and the day, in text and HTML alike', (content, said) => {
    const { subject, text, html } = layOut(
      letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SIGN_IN_URL),
      FRAME,
    );
    for (const one of [...said, 'Tuesday, 24 November 2026']) {
      expect(`${subject} ${text.replace(/\s+/g, ' ')}`).toContain(one);
      expect(one.startsWith('https:') ? html : textOf(html)).toContain(one);
    }
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(78);
  });

  it('every kind of notice has a letter', () => {
    expect(new Set(LETTERS.map(([{ kind }]) => kind))).toEqual(new Set(NOTICE_KINDS));
  });

  it('a letter never passes on a suspicion of the bank', () => {
    for (const declineCode of ['stolen_card', 'lost_card', 'fraudulent', 'pickup_card']) {
      const content = { kind: 'card_declined', amountCents: 2_900, declineCode, ...PULL_REQUEST } as const;
      expect(layOut(letterOf({ content, createdAt: AT }, NO_SOLD_PRICES), FRAME).text).not.toMatch(
        /stolen|lost|fraud|pick/,
      );
    }
  });

  it('a letter escapes its values, and its subject has no line break', () => {
    const content = {
      kind: 'fix_blocked',
      reason: 'no_billing_info',
      repo: 'a<b>\r\nBcc: x@y.z',
      prNumber: 1,
    } as const;
    const laidOut = layOut(letterOf({ content, createdAt: AT }, NO_SOLD_PRICES), {
      ...FRAME,
      name: '<script>alert(1)</script>',
    });
    expect(laidOut.html).not.toMatch(/<script|<b>/);
    expect(laidOut.subject).not.toMatch(/[\r\n]/);
  });

  it.each([
    ['Acme GmbH & Co. KG', 'Hello Acme GmbH & Co. KG,'],
    ["J.R. O'Neil", "Hello J.R. O'Neil,"],
    ['https://evil.example/pay', 'Hello,'],
    ['Pay at evil.example', 'Hello,'],
    ['Write to a@b', 'Hello,'],
    ['Your account is locked. '.repeat(8), 'Hello,'],
    ['\u202eemca', 'Hello emca,'],
    ['Ac\u2028me', 'Hello Ac me,'],
    ['\u202e', 'Hello,'],
  ])('a letter greets %j, but never carries a message in the name of a sign-up', (name, said) => {
    const { content } = keyIssued('c1', 'a'.repeat(64), 'sign_up', new Date(AT));
    const { text, html } = layOut(letterOf({ content, createdAt: AT }, NO_SOLD_PRICES), { ...FRAME, name });
    expect(text.split('\n\n')[0]).toBe(said);
    expect(textOf(html).replaceAll('&amp;', '&')).toContain(said);
  });

  it('a letter states an amount above the billions in figures', () => {
    const content = { kind: 'dispute', disputeId: 'du_1', amountCents: 123_456_789_00 } as const;
    expect(layOut(letterOf({ content, createdAt: AT }, NO_SOLD_PRICES), FRAME).text).toContain(
      '$123,456,789.00 is',
    );
  });

  it('a letter that offers Pro has the price and credits at the time it is sent', () => {
    const content = { ...OFFERING, kind: 'exhausted' } as const;
    const sold = new Map([['pro', { monthCents: 64_900, credits: 65 }]] as const);
    const { text } = layOut(letterOf({ content, createdAt: AT }, sold), FRAME);
    expect(text.replace(/\s+/g, ' ')).toContain('Pro includes 65 credits each month, for $649.00.');
    expect(text).not.toContain('599');
  });

  it('a letter that can be turned off says how and at which address', () => {
    const content = {
      kind: 'exhausted',
      hasCard: true,
      isDisputed: false,
      isDeclined: false,
      isOverLimit: false,
      rate: 'pro',
    } as const;
    const letter = letterOf({ content, createdAt: AT }, NO_SOLD_PRICES);
    const unsubscribeUrl = 'https://api.rsolv.dev/billing/unsubscribe?link=a.b';
    const { text, html } = layOut(letter, { ...FRAME, unsubscribeUrl });
    expect(text).toContain(unsubscribeUrl);
    expect(html).toContain(`<a href="${unsubscribeUrl}">Turn them off</a>`);
    expect(layOut(letter, { ...FRAME, isOptional: false }).html).toContain('cannot be turned off');
  });
});

describe('the day of a letter', () => {
  it('the day of a letter is the day in UTC, to the last millisecond', () => {
    expect(longDay(new Date('2026-12-31T23:59:59.999Z'))).toBe('Thursday, 31 December 2026');
  });
});
