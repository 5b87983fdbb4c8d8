import { describe, expect, it } from 'vitest';
import { NOTICE_KINDS } from '../../lib/domain/notice-kinds.ts';
import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { taskOf } from '../../lib/domain/notices/letter-task.ts';
import { NO_SOLD_PRICES } from '../../lib/domain/plans.ts';
import { longDay } from '../../lib/mail/day.ts';
import { layOut } from '../../lib/mail/layout.ts';
import { letterOf } from '../../lib/mail/letters.ts';
import { DARK, LIGHT } from '../../lib/palette.ts';
import { AT, LETTERS, PULL_REQUEST, SENDING } from '../support/letters.ts';

/** The facts of a customer who is offered Pro. */
const OFFERING = {
  hasCard: true,
  isDisputed: false,
  isDeclined: false,
  isOverLimit: false,
  rate: 'pay_as_you_go',
} as const;

const OPTIONAL = { ...OFFERING, kind: 'exhausted' } as const;

const FRAME = {
  name: 'Acme',
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
      letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SENDING),
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
      const content = {
        kind: 'card_declined',
        amountCents: 2_900,
        declineCode,
        fixId: 'f1',
        ...PULL_REQUEST,
      } as const;
      expect(layOut(letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SENDING), FRAME).text).not.toMatch(
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
    const laidOut = layOut(letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SENDING), {
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
    const { text, html } = layOut(letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SENDING), {
      ...FRAME,
      name,
    });
    expect(text.split('\n\n')[0]).toBe(said);
    expect(textOf(html).replaceAll('&amp;', '&')).toContain(said);
  });

  it('a letter states an amount above the billions in figures', () => {
    const content = { kind: 'dispute', disputeId: 'du_1', amountCents: 123_456_789_00 } as const;
    expect(layOut(letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SENDING), FRAME).text).toContain(
      '$123,456,789.00 is',
    );
  });

  it('a letter that offers Pro has the price and credits at the time it is sent', () => {
    const content = { ...OFFERING, kind: 'exhausted' } as const;
    const sold = new Map([['pro', { monthCents: 64_900, credits: 65 }]] as const);
    const { text } = layOut(letterOf({ content, createdAt: AT }, sold, SENDING), FRAME);
    expect(text.replace(/\s+/g, ' ')).toContain('Pro includes 65 credits each month, for $649.00.');
    expect(text).not.toContain('599');
  });

  it('a letter that can be turned off has a link that does it, and any other says that it cannot', () => {
    const letter = letterOf({ content: OPTIONAL, createdAt: AT }, NO_SOLD_PRICES, SENDING);
    const settings = `${FRAME.apiUrl}/billing/settings`;
    const oneClick = `${FRAME.apiUrl}/billing/unsubscribe?link=token`;
    for (const [unsubscribeUrl, url] of [
      [null, settings],
      [oneClick, oneClick],
    ] as const) {
      const { text, html } = layOut(letter, { ...FRAME, unsubscribeUrl });
      expect(text).toContain(url);
      expect(html).toContain(`href="${url}"`);
      expect(`${text}${html}`).not.toContain('PUT');
    }
    const mandatory = layOut(letter, { ...FRAME, isOptional: false, unsubscribeUrl: oneClick });
    expect(mandatory.html).toContain('cannot be turned off');
    expect(mandatory.html).not.toContain(oneClick);
  });

  it('every subject names RSOLV, and none has text from callers', () => {
    for (const [content] of LETTERS) {
      const { subject } = letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SENDING);
      expect(subject).toContain('RSOLV');
      expect(subject).not.toContain(PULL_REQUEST.repo);
    }
  });

  it('every letter has one button, which leads to a page of ours', () => {
    for (const [content] of LETTERS) {
      const { button } = letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SENDING);
      const isElsewhere = content.kind === 'account_closed' || content.kind === 'address_changed';
      const home = isElsewhere ? SENDING.appUrl : `${SENDING.apiUrl}/billing`;
      expect(button.url.startsWith(home), button.url).toBe(true);
    }
  });

  it('every letter with a task has a button that uses the link that needs no sign-in', () => {
    const taskUrl = `${SENDING.apiUrl}/billing/letter?link=token`;
    const withTask = LETTERS.filter(([content]) => taskOf(content) !== null);
    expect(withTask.length).toBeGreaterThan(5);
    for (const [content] of withTask) {
      const { button } = letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, { ...SENDING, taskUrl });
      expect(button.url, JSON.stringify(content)).toBe(taskUrl);
    }
  });

  it.each([
    ['acme/evil.example', 'acme/evil.\u200bexample', 'https://github.com/acme/evil.example/pull/42'],
    ['https://evil.example/pay', 'https:\u200b//evil.\u200bexample/pay', null],
    ['acme/../../login', 'acme/.\u200b.\u200b/.\u200b.\u200b/login', null],
    ['javascript:alert(1)', 'javascript:\u200balert(1)', null],
  ])(
    'the name %s makes no link of its own, and the link to GitHub has validated parts',
    (repo, shown, url) => {
      const content = { kind: 'receipt', amountCents: 2_900, repo, prNumber: 42 } as const;
      const { paragraphs, links } = letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, SENDING);
      expect(paragraphs.join(' ')).toContain(shown);
      expect(links?.map((link) => link.url)).toEqual(url === null ? [] : [url]);
    },
  );

  it('one letter says that no credits are left and how many fixes are waiting', () => {
    const content = { kind: 'fix_blocked', reason: 'no_billing_info', ...PULL_REQUEST } as const;
    const said = (waitingFixes: number) => {
      const { subject, paragraphs } = letterOf({ content, createdAt: AT }, NO_SOLD_PRICES, {
        ...SENDING,
        waitingFixes,
      });
      return [subject, ...paragraphs].join(' ');
    };
    expect(said(1)).toContain('no credits left, 1 merged fix is waiting');
    expect(said(7)).toContain('In all, 7 merged fixes are waiting.');
    expect(said(100)).toContain('100 or more merged fixes are waiting');
    const empty = { ...OFFERING, hasCard: false, kind: 'exhausted' } as const;
    const { subject } = letterOf({ content: empty, createdAt: AT }, NO_SOLD_PRICES, {
      ...SENDING,
      waitingFixes: 2,
    });
    expect(subject).toBe('RSOLV: no credits left, 2 merged fixes are waiting');
  });
});

describe('the colours of pages and letters', () => {
  /** Of a colour such as #596273, by WCAG. */
  const luminance = (colour: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one: string, other: string): number => {
    const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };

  it.each([
    ['light', LIGHT],
    ['dark', DARK],
  ] as const)('text has a contrast of at least 4.5 : 1 on each ground, %s', (_, palette) => {
    for (const text of [palette.text, palette.soft, palette.accent, palette.bad, palette.good]) {
      for (const ground of [palette.ground, palette.card]) {
        expect(contrast(text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
    }
    expect(contrast(palette['on-accent'], palette.accent)).toBeGreaterThanOrEqual(4.5);
  });
});

describe('the day of a letter', () => {
  it('the day of a letter is the day in UTC, to the last millisecond', () => {
    expect(longDay(new Date('2026-12-31T23:59:59.999Z'))).toBe('Thursday, 31 December 2026');
  });
});
