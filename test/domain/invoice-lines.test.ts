import { describe, expect, it } from 'vitest';
import {
  bringsCredits,
  creditsDueBack,
  creditsOfLine,
  type InvoiceChange,
  type InvoiceGuard,
  type InvoiceLine,
  NOTHING_RETURNED,
  type ReturnedValue,
  settleInvoice,
  soldCents,
} from '../../lib/domain/grants.ts';
import { guardOf, invoiceOf, lineOf, PRO_PRICE } from '../support/invoices.ts';

/* Single amounts of invoices. invoices.test.ts has the properties. */

const OWING = { balance: 60, debt: 0 };
const HALF = { id: 'il_2', amountCents: 29_950, isWhole: false };
const FEE = { id: 'il_fee', amountCents: 5_000, price: null, isWhole: false };

const returned = (cents: number, facts: Partial<ReturnedValue> = {}): ReturnedValue => ({
  ...NOTHING_RETURNED,
  cents,
  ...facts,
});
const named = (lineId: string, cents: number, isTax = false): Partial<ReturnedValue> => ({
  ofLines: [{ lineId, cents, isTax }],
});
const amountsOf = (change: InvoiceChange | null) => change?.postings.map(({ amount }) => amount);

describe('a line', () => {
  it('a line of a whole period that costs more than its price grants the credits of the price', () => {
    expect(creditsOfLine(lineOf({ amountCents: 71_880 }))).toBe(60);
  });

  it('a line of two seats that costs one grants the credits of one', () => {
    expect(creditsOfLine(lineOf({ amountCents: 59_900, quantity: 2 }))).toBe(60);
  });
});

describe('an invoice', () => {
  it('an invoice grants credits if one of its lines does', () => {
    const free = lineOf({ netCents: 0 });
    expect(bringsCredits(invoiceOf({ lines: [free, lineOf()] }))).toBe(true);
    expect(bringsCredits(invoiceOf({ lines: [free] }))).toBe(false);
  });

  it('an invoice sells only its positive lines', () => {
    const lines = [lineOf({ taxCents: 100 }), lineOf({ amountCents: -10_000, taxCents: -7 })];
    expect(soldCents({ lines })).toBe(60_000);
    expect(soldCents({ lines: [lineOf({ amountCents: 0, taxCents: 5 })] })).toBe(0);
  });

  it('nothing of an invoice is returned if no money was returned', () => {
    expect(NOTHING_RETURNED).toEqual({ cents: 0, ofLines: [], reasons: [] });
  });
});

describe('what is due back', () => {
  const due = (
    value: ReturnedValue,
    lines: readonly InvoiceLine[] = [lineOf()],
    guard: Partial<InvoiceGuard> = {},
  ) => creditsDueBack({ lines }, guardOf(guard), value).credits;
  const both = {
    credits: 90,
    lines: [
      { id: 'il_1', credits: 60 },
      { id: 'il_2', credits: 30 },
    ],
  };

  it('a credit note for everything sold takes back all credits', () => {
    expect(due(returned(0, named('il_1', 59_900)))).toBe(60);
  });

  it('a credit note for one line takes back only the credits of that line', () => {
    const lines = [lineOf(), lineOf(HALF)];
    expect(due(returned(0, named('il_2', 29_950)), lines, both)).toBe(30);
    expect(due(returned(0, named('il_other', 29_950)), lines, both)).toBe(0);
  });

  it('a credit note for a line counts its tax as sold unless it names the tax', () => {
    const lines = [lineOf({ taxCents: 11_381 })];
    expect(due(returned(0, named('il_1', 11_000)), lines)).toBe(9);
    expect(due(returned(0, named('il_1', 11_000, true)), lines)).toBe(0);
  });

  it('a line that granted nothing has no credits to take back', () => {
    const small = lineOf({
      id: 'il_small',
      amountCents: 59_000,
      isWhole: false,
      price: { ...PRO_PRICE, credits: 1 },
    });
    expect(due(returned(0, named('il_small', 59_000)), [lineOf(), small])).toBe(0);
  });

  it('a line at an unknown price has no credits to take back, even under a guard for all lines', () => {
    expect(due(returned(0, named('il_fee', 5_000)), [lineOf(), lineOf(FEE)], { lines: null })).toBe(0);
    expect(due(returned(0, named('il_1', 59_900)), [lineOf(), lineOf(FEE)], { lines: null })).toBe(60);
  });
});

describe('settling an invoice', () => {
  it('settling an unpaid invoice writes nothing, even if part of it was returned', () => {
    expect(settleInvoice(OWING, invoiceOf({ paid: false }), returned(29_950), null)).toBeNull();
  });

  it('a returned cent that is worth no credit has an entry of 0', () => {
    const change = settleInvoice(OWING, invoiceOf(), returned(1), guardOf());
    expect(amountsOf(change)).toEqual([0]);
    expect(change?.kept).toMatchObject({ reversedCents: 1, reversedCredits: 0 });
  });

  it('the entry states earlier and current returned amounts, and how they were returned', () => {
    const guard = guardOf({ reversedCents: 998 });
    const how = { reasons: ['refund', 'dispute'] } as const;
    const change = settleInvoice(OWING, invoiceOf(), returned(29_950, how), guard);
    expect(change?.postings).toEqual([
      {
        amount: -30,
        source: 'refund_reversal',
        metadata: {
          reason: 'money_returned',
          invoice_id: 'in_1',
          cents_before: 998,
          cents_returned: 29_950,
          total_cents: 59_900,
          credits_reversed: 30,
          how: 'refund, dispute',
          debt_change: 0,
          debt_after: 0,
        },
      },
    ]);
    expect(change?.removed).toBe(30);
  });

  it('credits are restored, and the entry says so, when money was kept after all', () => {
    const guard = guardOf({ reversedCents: 29_950, reversedCredits: 30 });
    const change = settleInvoice(OWING, invoiceOf(), returned(0), guard);
    expect(change?.postings).toMatchObject([{ amount: 30, metadata: { reason: 'money_kept' } }]);
    expect(change?.postings[0]?.metadata).not.toHaveProperty('how');
    expect(change?.removed).toBe(0);
  });

  it('a line granted after a return loses its share at once', () => {
    const rich = lineOf({ id: 'il_2', price: { ...PRO_PRICE, credits: 600 } });
    const guard = guardOf({ reversedCents: 998 });
    const change = settleInvoice(OWING, invoiceOf({ lines: [lineOf(), rich] }), returned(998), guard);
    expect(amountsOf(change)).toEqual([600, -5]);
    expect(change?.postings[1]?.metadata).toMatchObject({ reason: 'money_returned' });
    expect(change?.removed).toBe(5);
  });

  it('there is one entry for each of 40 lines, and one in total for 41 lines', () => {
    const invoice = (count: number) =>
      invoiceOf({ lines: Array.from({ length: count }, (_, i) => lineOf({ id: `il_${i}` })) });
    expect(settleInvoice(OWING, invoice(40), NOTHING_RETURNED, null)?.postings).toHaveLength(40);
    expect(settleInvoice(OWING, invoice(41), NOTHING_RETURNED, null)?.postings).toHaveLength(1);
  });
});
