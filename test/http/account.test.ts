import { beforeAll, describe, expect, it } from 'vitest';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import { expectSoundLedger } from '../support/customers.ts';
import { writeHistory } from '../support/history.ts';
import { type Answer, api, call, deployFix, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { tamper } from '../support/reconciliation.ts';

let deps: Deps;
beforeAll(async () => {
  deps = await serveFromTestTable();
});

function transactionsOf({ body }: Answer): { id: string; balance_after: number; amount: number }[] {
  const { transactions } = body;
  if (!Array.isArray(transactions)) throw new Error('no transactions');
  return transactions;
}

describe('GET /usage', () => {
  it('GET /usage shows the state of a new account', async () => {
    const { apiKey } = await signUp();
    const { status, body } = await call(api.getUsage, { apiKey });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      credit_balance: 5,
      subscription_type: 'trial',
      subscription_state: null,
      cancel_at_period_end: false,
      current_period_end: null,
      has_payment_method: false,
      recent_transactions: [{ amount: 5, source: 'trial_signup' }],
      warnings: [{ code: 'low_credits' }],
      pricing: { fix_price_cents: { pay_as_you_go: 2900, pro: 1500 }, pro_month_cents: 59900 },
    });
  });

  it('GET /usage shows owed credits before the next ones are bought', async () => {
    const { apiKey, customerId } = await signUp();
    expect((await call(api.getUsage, { apiKey })).body).toMatchObject({ credits_owed: 0 });
    await tamper(deps, keys.head(customerId), 'debt', 50);
    const { body } = await call(api.getUsage, { apiKey });
    expect(body).toMatchObject({
      credits_owed: 50,
      warnings: [
        { code: 'low_credits' },
        { code: 'credits_owed', message: expect.stringContaining('50 credits') },
      ],
    });
  });

  it('GET /usage shows the ten newest transactions, newest first, and the balance after the newest', async () => {
    const { apiKey, customerId } = await signUp();
    for (let n = 1; n <= 12; n++) {
      await adjustCredits(deps, customerId, { amount: 1, reason: 'r', actor: 'a', idempotencyKey: `k${n}` });
    }
    await deployFix(apiKey, 1);
    const { body } = await call(api.getUsage, { apiKey });
    const recent = body['recent_transactions'];
    if (!Array.isArray(recent)) throw new Error('no transactions');
    expect(recent.map((transaction) => transaction.balance_after)).toEqual([
      16, 17, 16, 15, 14, 13, 12, 11, 10, 9,
    ]);
    expect(body['credit_balance']).toBe(16);
    expect(body['warnings']).toEqual([]);
  });

  it('GET /usage rejects unknown parameters', async () => {
    const { apiKey } = await signUp();
    const { status, body } = await call(api.getUsage, { apiKey, query: { customer_id: 'x' } });
    expect([status, body['code']]).toEqual([422, 'invalid_request']);
  });
});

describe('the statement', () => {
  it('the statement pages through 10,000 entries without a gap or a repeat while new entries arrive', async () => {
    const { apiKey, customerId } = await signUp();
    await writeHistory(deps, customerId, 9_999);
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await call(api.listTransactions, {
        apiKey,
        query: { limit: '100', ...(cursor && { cursor }) },
      });
      expect(page.status).toBe(200);
      seen.push(...transactionsOf(page).map(({ id }) => id));
      cursor = page.body['next_cursor'] === undefined ? undefined : String(page.body['next_cursor']);
      pages += 1;
      if (pages % 10 === 0) {
        await adjustCredits(deps, customerId, {
          amount: 1,
          reason: 'r',
          actor: 'a',
          idempotencyKey: `k${pages}`,
        });
      }
    } while (cursor !== undefined && pages < 200);
    expect(pages).toBe(100);
    expect(seen).toEqual(Array.from({ length: 10_000 }, (_, i) => `txn_${customerId}_${10_000 - i}`));
    await expectSoundLedger(deps, customerId);
  });

  it('the last page of the statement, full or not, has no cursor', async () => {
    const { apiKey, customerId } = await signUp();
    await writeHistory(deps, customerId, 3);
    const first = await call(api.listTransactions, { apiKey, query: { limit: '2' } });
    const cursor = String(first.body['next_cursor']);
    const last = await call(api.listTransactions, { apiKey, query: { limit: '2', cursor } });
    expect(transactionsOf(last)).toHaveLength(2);
    expect(last.body).not.toHaveProperty('next_cursor');
    const all = await call(api.listTransactions, { apiKey });
    expect(transactionsOf(all)).toHaveLength(4);
    expect(all.body).not.toHaveProperty('next_cursor');
  });

  it.each([
    ['limit', '0'],
    ['limit', '101'],
    ['limit', '1.5'],
    ['limit', 'many'],
    ['limit', ''],
    ['cursor', 'made-up'],
    ['cursor', ''],
    ['cursor', 'czA'],
    ['cursor', '../../etc'],
    ['page', '2'],
  ])('a statement with %s=%s is rejected with the field', async (field, value) => {
    const { apiKey } = await signUp();
    const { status, body } = await call(api.listTransactions, { apiKey, query: { [field]: value } });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'invalid_request', errors: [{ field }] });
  });
});
