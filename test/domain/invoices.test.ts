import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bringsCredits,
  creditsDueBack,
  creditsOfLine,
  type InvoiceChange,
  type InvoiceGuard,
  type ProInvoice,
  type ReturnedValue,
  settleInvoice,
} from '../../lib/domain/grants.ts';
import { emptyLedger, type LedgerEntry, type LedgerState, post } from '../../lib/domain/ledger.ts';
import { guardOf, invoiceOf, lineOf, PRO_PRICE } from '../support/invoices.ts';

const AT = new Date('2026-01-02T00:00:00.000Z');
const returnedOf = (cents: number, facts: Partial<ReturnedValue> = {}): ReturnedValue => ({
  cents,
  ofLines: [],
  reasons: [],
  ...facts,
});
const NOTHING = returnedOf(0);
const amountsOf = (change: InvoiceChange | null) => change?.postings.map(({ amount }) => amount);

describe('what a line of a paid invoice grants', () => {
  it.each([
    ['a whole month is all of its price’s credits', {}, 60],
    ['two seats are twice as many', { amountCents: 119_800, quantity: 2 }, 120],
    ['a discount lowers the price, not the credits', { netCents: 1 }, 60],
    ['a line of $0 after discount is none', { netCents: 0 }, 0],
    ['a trial’s line of $0 is none', { amountCents: 0 }, 0],
    [
      'half a month is half of the credits, by its amount before discount',
      { amountCents: 29_950, isWhole: false },
      30,
    ],
    ['a part is rounded down', { amountCents: 29_949, isWhole: false }, 29],
    ['a discounted part counts before discount', { amountCents: 29_950, netCents: 10, isWhole: false }, 30],
    ['a first period that is shorter counts as what it asks for', { amountCents: 29_950 }, 30],
    ['unused time that is credited is none', { amountCents: -29_950, isWhole: false }, 0],
    ['another product’s line is none', { price: null }, 0],
    ['a price with other credits brings those', { price: { ...PRO_PRICE, credits: 70 } }, 70],
  ] as const)('%s', (_name, facts, credits) => {
    expect(creditsOfLine(lineOf(facts))).toBe(credits);
  });

  it('a line grants nothing before its invoice is paid', () => {
    expect(bringsCredits(invoiceOf())).toBe(true);
    expect(bringsCredits(invoiceOf({ paid: false }))).toBe(false);
    expect(settleInvoice({ balance: 0, debt: 0 }, invoiceOf({ paid: false }), NOTHING, null)).toBeNull();
  });

  it('each line has one entry with its line and price', () => {
    const lines = [lineOf(), lineOf({ id: 'il_2', amountCents: 29_950, isWhole: false })];
    const change = settleInvoice({ balance: 0, debt: 0 }, invoiceOf({ lines }), NOTHING, null);
    expect(change?.postings).toMatchObject([
      {
        amount: 60,
        source: 'pro_subscription_payment',
        metadata: { invoice_id: 'in_1', line_id: 'il_1', price_id: 'price_pro', plan: 'pro', quantity: 1 },
      },
      { amount: 30, metadata: { invoice_id: 'in_1', line_id: 'il_2', line_cents: 29_950 } },
    ]);
    expect(change?.kept).toMatchObject({
      credits: 90,
      totalCents: 89_850,
      lines: [
        { id: 'il_1', credits: 60 },
        { id: 'il_2', credits: 30 },
      ],
    });
  });

  it('very many lines share one entry, so that they fit one transaction of the table', () => {
    const lines = Array.from({ length: 200 }, (_, i) => lineOf({ id: `il_${i}` }));
    const change = settleInvoice({ balance: 0, debt: 0 }, invoiceOf({ lines }), NOTHING, null);
    expect(change?.postings).toMatchObject([{ amount: 12_000, metadata: { lines: 200 } }]);
    expect(change?.kept.lines).toHaveLength(200);
  });
});

describe('a line is granted once', () => {
  const OWING = { balance: 60, debt: 0 };

  it('a line is granted once, even if another line of its invoice is granted later', () => {
    const lines = [lineOf(), lineOf({ id: 'il_2' })];
    const change = settleInvoice(OWING, invoiceOf({ lines }), NOTHING, guardOf());
    expect(amountsOf(change)).toEqual([60]);
    expect(change?.kept).toMatchObject({ credits: 120 });
    expect(settleInvoice(OWING, invoiceOf({ lines }), NOTHING, change?.kept ?? null)).toBeNull();
  });

  it('a line is granted once, even if its guard is from a release that granted 60 per invoice', () => {
    const before = guardOf({ lines: null });
    expect(settleInvoice(OWING, invoiceOf(), NOTHING, before)).toBeNull();
    const change = settleInvoice(OWING, invoiceOf(), returnedOf(29_950), before);
    expect(amountsOf(change)).toEqual([-30]);
    expect(change?.kept).toEqual({ ...before, reversedCents: 29_950, reversedCredits: 30 });
  });
});

describe('credits due back', () => {
  const due = (returned: ReturnedValue, invoice: ProInvoice = invoiceOf(), guard = guardOf()) =>
    creditsDueBack(invoice, guard, returned).credits;

  it.each([
    [0, 0],
    [1, 0],
    [998, 0],
    [999, 1],
    [29_949, 29],
    [29_950, 30],
    [59_899, 59],
    [59_900, 60],
    [59_901, 60],
    [1_000_000, 60],
  ])(
    'of %i returned of 59900 cents, %i credits are due back: rounded down, and never more than all',
    (cents, credits) => {
      expect(due(returnedOf(cents))).toBe(credits);
    },
  );

  it('tax counts as sold with its line', () => {
    const invoice = invoiceOf({ lines: [lineOf({ taxCents: 11_381 })] });
    expect(due(returnedOf(71_281), invoice)).toBe(60);
    expect(due(returnedOf(59_900), invoice)).toBe(50);
  });

  it('tax on unused time beside the plan does not count as sold', () => {
    const unused = lineOf({ id: 'il_unused', amountCents: -29_950, taxCents: -2_471, isWhole: false });
    const invoice = invoiceOf({ lines: [unused, lineOf({ taxCents: 4_942 })] });
    expect(due(returnedOf(32_421), invoice)).toBe(30);
    expect(due(returnedOf(64_842), invoice)).toBe(60);
  });

  it('a fee beside the plan counts as sold', () => {
    const fee = lineOf({ id: 'il_fee', amountCents: 5_000, price: null, isWhole: false });
    const invoice = invoiceOf({ lines: [lineOf(), fee] });
    expect(due(returnedOf(64_900), invoice)).toBe(60);
    expect(due(returnedOf(32_450), invoice)).toBe(30);
  });

  it('a credit note for a fee or only for tax takes back no credits; the rest takes back all', () => {
    const fee = lineOf({ id: 'il_fee', amountCents: 5_000, price: null, isWhole: false });
    const invoice = invoiceOf({ lines: [lineOf({ taxCents: 11_381 }), fee] });
    const named = [
      { lineId: 'il_fee', cents: 5_000, isTax: false },
      { lineId: 'il_1', cents: 11_381, isTax: true },
    ];
    expect(due(returnedOf(0, { ofLines: named }), invoice)).toBe(0);
    expect(due(returnedOf(29_950, { ofLines: named }), invoice)).toBe(30);
    expect(due(returnedOf(59_900, { ofLines: named }), invoice)).toBe(60);
  });

  it("a credit note for the plan's line takes back all of its credits, whatever else is on the invoice", () => {
    const fee = lineOf({ id: 'il_fee', amountCents: 5_000, price: null, isWhole: false });
    const invoice = invoiceOf({ lines: [lineOf(), fee] });
    const ofLines = [{ lineId: 'il_1', cents: 59_900, isTax: false }];
    expect(due(returnedOf(0, { ofLines }), invoice)).toBe(60);
  });

  it('a credit note for one of two plan lines takes back the credits of that line', () => {
    const other = { ...PRO_PRICE, id: 'price_other', credits: 200, unitCents: 149_900 };
    const lines = [lineOf(), lineOf({ id: 'il_2', amountCents: 149_900, price: other })];
    const brought = [
      { id: 'il_1', credits: 60 },
      { id: 'il_2', credits: 200 },
    ];
    const guard = guardOf({ credits: 260, lines: brought });
    const credited = (lineId: string, cents: number, whole = 0) =>
      due(returnedOf(whole, { ofLines: [{ lineId, cents, isTax: false }] }), invoiceOf({ lines }), guard);
    expect(credited('il_1', 59_900)).toBe(60);
    expect(credited('il_1', 29_950)).toBe(30);
    expect(credited('il_2', 149_900)).toBe(200);
    // Value that is returned for no specific line is shared by the rest: here only the other line.
    expect(credited('il_2', 149_900, 29_950)).toBe(230);
    // With a guard of an earlier release, all lines together granted all credits.
    expect(
      due(
        returnedOf(0, { ofLines: [{ lineId: 'il_1', cents: 59_900, isTax: false }] }),
        invoiceOf({ lines }),
        guardOf({ credits: 260, lines: null }),
      ),
    ).toBe(74);
  });

  it('credits due back are exact for amounts whose product is not a safe integer', () => {
    const invoice = invoiceOf({ lines: [lineOf({ amountCents: 9_007_199_254_740_991 })] });
    const guard = guardOf({ credits: 999_999_999, lines: [{ id: 'il_1', credits: 999_999_999 }] });
    expect(due(returnedOf(9_007_199_254_740_990), invoice, guard)).toBe(999_999_998);
  });
});

describe('what is returned already when an invoice is granted', () => {
  it('an earlier return is taken in the same change as the grant: a renewal closed by a credit note leaves nothing to spend', () => {
    const change = settleInvoice({ balance: 7, debt: 0 }, invoiceOf(), returnedOf(59_900), null);
    expect(amountsOf(change)).toEqual([60, -60]);
    expect(change).toMatchObject({
      debt: 0,
      kept: { credits: 60, reversedCents: 59_900, reversedCredits: 60 },
    });
  });

  it('a grant after an earlier return pays the debt first', () => {
    const change = settleInvoice({ balance: 0, debt: 50 }, invoiceOf(), returnedOf(29_950), null);
    expect(amountsOf(change)).toEqual([60, -50, -10]);
    expect(change?.debt).toBe(20);
  });
});

/*
 * Any history of an account: invoices of all kinds are paid, value of any kind is returned and restored,
 * credits are spent. The model is one number, which may be negative: the balance if spent credits could be
 * taken back.
 */
type Step =
  | { readonly kind: 'spend'; readonly credits: number }
  | { readonly kind: 'pay'; readonly invoice: number }
  /** The current level of an invoice: the sum of refunds, disputes, notes and unused time. */
  | { readonly kind: 'returned'; readonly invoice: number; readonly parts: readonly number[] };

const anyLine = fc.record({
  quantity: fc.integer({ min: 1, max: 5 }),
  part: fc.integer({ min: 1, max: 1_000 }),
  isWhole: fc.boolean(),
  discount: fc.integer({ min: 0, max: 100 }),
  tax: fc.integer({ min: 0, max: 25 }),
  isOurs: fc.boolean(),
  unitCents: fc.integer({ min: 1, max: 200_000 }),
  credits: fc.integer({ min: 0, max: 500 }),
});

const anyInvoice = fc.array(anyLine, { minLength: 1, maxLength: 5 }).map((lines) =>
  lines.map(({ quantity, part, isWhole, discount, tax, isOurs, unitCents, credits }, i) => {
    const amountCents = isWhole ? unitCents * quantity : Math.ceil((unitCents * quantity * part) / 1_000);
    const netCents = amountCents - Math.floor((amountCents * discount) / 100);
    const price = isOurs ? { id: 'price_x', plan: 'pro' as const, credits, unitCents } : null;
    const taxCents = Math.floor((netCents * tax) / 100);
    return lineOf({ id: `il_${i}`, amountCents, netCents, taxCents, quantity, isWhole, price });
  }),
);

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('spend' as const), credits: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('pay' as const), invoice: fc.nat(3) }),
  fc.record({
    kind: fc.constant('returned' as const),
    invoice: fc.nat(3),
    parts: fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 5 }),
  }),
);

interface Account {
  ledger: LedgerState;
  debt: number;
  entries: LedgerEntry[];
  spent: number;
  guards: (InvoiceGuard | null)[];
  paid: boolean[];
  returned: number[];
}

const total = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0);

function settle(account: Account, invoices: readonly ProInvoice[], i: number): void {
  const invoice = { ...invoices[i], paid: account.paid[i] === true } as ProInvoice;
  const owing = { balance: account.ledger.balance, debt: account.debt };
  const change = settleInvoice(
    owing,
    invoice,
    returnedOf(account.returned[i] ?? 0),
    account.guards[i] ?? null,
  );
  if (change === null) return;
  // Throws if a balance would go below zero.
  const { state, entries } = post(account.ledger, change.postings, AT);
  account.ledger = state;
  account.entries.push(...entries);
  account.debt = change.debt;
  account.guards[i] = change.kept;
}

function take(account: Account, invoices: readonly ProInvoice[], step: Step): void {
  switch (step.kind) {
    case 'spend': {
      const amount = Math.min(step.credits, account.ledger.balance);
      if (amount === 0) return;
      const posting = { amount: -amount, source: 'fix_deployed' as const, metadata: {} };
      const { state, entries } = post(account.ledger, [posting], AT);
      account.ledger = state;
      account.entries.push(...entries);
      account.spent += amount;
      return;
    }
    case 'pay':
      account.paid[step.invoice] = true;
      settle(account, invoices, step.invoice);
      return;
    case 'returned':
      account.returned[step.invoice] = total(step.parts);
      settle(account, invoices, step.invoice);
      return;
    default:
      step satisfies never;
  }
}

describe('any sequence of payments, parts, refunds, disputes, credit notes and prorations', () => {
  it('any sequence of payments and returns leaves granted − floor(granted × returned / sold) of every invoice, exactly, and balance and debt explain every entry', () => {
    fc.assert(
      fc.property(
        fc.array(anyInvoice, { minLength: 4, maxLength: 4 }),
        fc.array(anyStep, { maxLength: 40 }),
        (allLines, steps) => {
          const invoices = allLines.map((lines, i) => invoiceOf({ id: `in_${i}`, lines }));
          const account: Account = {
            ledger: emptyLedger('c1'),
            debt: 0,
            entries: [],
            spent: 0,
            guards: [null, null, null, null],
            paid: [],
            returned: [],
          };
          for (const step of steps) take(account, invoices, step);
          let earned = 0;
          for (const [i, { id, lines }] of invoices.entries()) {
            if (account.paid[i] !== true) continue;
            // Computed again, in exact arithmetic.
            const granted = total(lines.map(creditsOfLine));
            const sold = total(lines.map(({ netCents, taxCents }) => netCents + taxCents));
            const returned = Math.min(sold, account.returned[i] ?? 0);
            const left =
              granted === 0 ? 0 : granted - Number((BigInt(granted) * BigInt(returned)) / BigInt(sold));
            const own = account.entries.filter(({ metadata }) => metadata['invoice_id'] === id);
            const net = total(
              own.map(({ amount, metadata }) => amount - Number(metadata['debt_change'] ?? 0)),
            );
            expect(net).toBe(left);
            earned += left;
          }
          const { balance } = account.ledger;
          expect(balance).toBeGreaterThanOrEqual(0);
          expect(account.debt).toBeGreaterThanOrEqual(0);
          expect(balance - account.debt).toBe(earned - account.spent);
          expect(balance).toBe(total(account.entries.map(({ amount }) => amount)));
          expect(account.debt).toBe(
            total(account.entries.map(({ metadata }) => Number(metadata['debt_change'] ?? 0))),
          );
          expect(account.entries.every(({ amount }) => !Object.is(amount, -0))).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('value returned at once takes the same credits as value returned bit by bit', () => {
    const levels = fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1 });
    fc.assert(
      fc.property(levels, (all) => {
        const state = all.reduce<{ owing: { balance: number; debt: number }; guard: InvoiceGuard }>(
          ({ owing, guard }, cents) => {
            const change = settleInvoice(owing, invoiceOf(), returnedOf(cents), guard);
            if (change === null) return { owing, guard };
            const balance = owing.balance + total(change.postings.map(({ amount }) => amount));
            return { owing: { balance, debt: change.debt }, guard: change.kept };
          },
          { owing: { balance: 40, debt: 0 }, guard: guardOf() },
        );
        const left = 40 - Math.floor((60 * Math.min(59_900, all.at(-1) ?? 0)) / 59_900);
        expect(state.owing).toEqual({ balance: Math.max(0, left), debt: Math.max(0, -left) });
      }),
    );
  });

  it('named lines and tax never take more than all or less than nothing', () => {
    const named = fc.array(
      fc.record({
        lineId: fc.nat(4).map((n) => `il_${n}`),
        cents: fc.integer({ min: 0, max: 100_000 }),
        isTax: fc.boolean(),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(anyInvoice, named, fc.nat(200_000), (lines, ofLines, cents) => {
        const granted = lines.filter((line) => creditsOfLine(line) > 0);
        const credits = total(granted.map(creditsOfLine));
        const marks = granted.map((line) => ({ id: line.id, credits: creditsOfLine(line) }));
        const of = (value: ReturnedValue) =>
          creditsDueBack({ lines }, { credits, lines: marks }, value).credits;
        const due = of(returnedOf(cents, { ofLines }));
        expect(due).toBeGreaterThanOrEqual(0);
        expect(due).toBeLessThanOrEqual(credits);
        expect(of(returnedOf(cents + 1, { ofLines }))).toBeGreaterThanOrEqual(due);
        if (credits > 0) expect(of(returnedOf(Number.MAX_SAFE_INTEGER, { ofLines }))).toBe(credits);
      }),
    );
  });
});
