import { beforeAll, describe, expect, it } from 'vitest';
import type { FixBilling } from '../../../lib/operations/fixes/decide-step.ts';
import { reportCreditOrBlock } from '../../../lib/operations/fixes/report-billing.ts';
import type { Deps } from '../../../lib/runtime/deps.ts';
import { NOTHING_SPENT } from '../../support/heads.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

let deps: Deps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const BILLED = {
  outcome: 'credit_consumed',
  amountCents: 0,
  billedAt: '2026-01-02T00:00:00.000Z',
  seq: 1,
  paymentIntentId: null,
  spendingMonth: null,
} as const;

describe('the outcome of billing a fix', () => {
  it.each<[string, FixBilling, object[]]>([
    [
      'a credit that paid',
      { kind: 'billed', already: false, billed: BILLED, balance: 4 },
      [{ kind: 'fix_billed', customerId: 'c1', fixAttemptId: 'f1' }],
    ],
    ['a fix that was billed already', { kind: 'billed', already: true, billed: BILLED, balance: 4 }, []],
    [
      'a charge, which is reported where it is settled',
      {
        kind: 'billed',
        already: false,
        billed: { ...BILLED, outcome: 'charged_and_consumed' },
        balance: 0,
      },
      [],
    ],
    [
      'a fix that is blocked',
      {
        kind: 'blocked',
        code: 'no_billing_info',
        reasons: ['no_billing_info'],
        balance: 0,
        wanted: { amountCents: 2_900, spending: NOTHING_SPENT },
        limitCents: null,
      },
      [{ kind: 'fix_blocked', customerId: 'c1', fixAttemptId: 'f1', code: 'no_billing_info' }],
    ],
    [
      'a decline, which is reported where it is settled',
      { kind: 'declined', decline: { code: 'card_declined', declineCode: null }, balance: 0 },
      [],
    ],
  ])('the outcome of billing a fix is reported once: %s', (_, billing, reported) => {
    const reports: object[] = [];
    reportCreditOrBlock({ ...deps, report: (happened) => reports.push(happened) }, 'c1', 'f1', billing);
    expect(reports).toEqual(reported);
  });
});
