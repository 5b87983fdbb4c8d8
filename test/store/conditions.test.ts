import { DeleteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PaymentDeps } from '../../lib/deps.ts';
import { MAX_ACTIVE_KEYS } from '../../lib/domain/api-key.ts';
import type { BilledFacts } from '../../lib/domain/fix-attempt.ts';
import { emptyLedger, type LedgerState, type Posting, post } from '../../lib/domain/ledger.ts';
import { adjustCredits } from '../../lib/operations/adjust-credits.ts';
import { issueKey, revokeKey } from '../../lib/operations/api-keys.ts';
import { billFixAttempt } from '../../lib/operations/bill-fix-attempt.ts';
import { onboardCustomer } from '../../lib/operations/onboard-customer.ts';
import { recordFixAttempt } from '../../lib/operations/record-fix-attempt.ts';
import { putApiKey } from '../../lib/store/api-keys.ts';
import { billFix, putNewFix } from '../../lib/store/fix-attempts.ts';
import { type AdjustmentGuard, decodeHead } from '../../lib/store/items.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { type AlongsideWrite, commit, createCustomer, guardAdjustment } from '../../lib/store/ledger.ts';
import { hitRateLimit } from '../../lib/store/rate-limits.ts';
import { readTogether } from '../../lib/store/table.ts';
import { recordedFix } from '../support/customers.ts';
import { customerWith, uniqueEmail } from '../support/fixtures.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/*
 * Each condition on its own: the situation in which it is the only thing that stands between a caller and a lost
 * credit. Some of them also cover for each other, so a test of the whole would not notice that one was gone.
 */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const plus = (amount: number): Posting => ({ amount, source: 'adjustment', metadata: {} });
const BILLED: BilledFacts = {
  outcome: 'credit_consumed',
  amountCents: 0,
  billedAt: AT.toISOString(),
  seq: 2,
  paymentIntentId: null,
};
const FACTS: AdjustmentGuard = { amount: 1, reason: 'r', actor: 'a', balanceAfter: 1, seq: 1 };
const guard = (customerId: string, key: string): AlongsideWrite => guardAdjustment(customerId, key, FACTS);

async function readHead(customerId: string) {
  const [item] = await readTogether(deps.table, [keys.head(customerId)]);
  if (item === undefined) throw new Error('no head');
  return decodeHead(item);
}

async function readItem(key: Key) {
  const { Item } = await deps.table.client.send(
    new GetCommand({ TableName: deps.table.name, Key: { ...key }, ConsistentRead: true }),
  );
  return Item;
}

async function setBackHead(customerId: string, to: LedgerState): Promise<void> {
  await deps.table.client.send(
    new UpdateCommand({
      TableName: deps.table.name,
      Key: keys.head(customerId),
      UpdateExpression: 'SET seq = :s, balance = :b, chain = :c',
      ExpressionAttributeValues: { ':s': to.seq, ':b': to.balance, ':c': to.chain },
    }),
  );
}

describe('a change of balance', () => {
  it('HEAD_UNMOVED: is not written over a head that moved, even where its entry number is free', async () => {
    const { head } = await customerWith(deps, 5);
    const stale = await readHead(head.customerId);
    const first = post(stale, [plus(10)], AT);
    await commit(deps.table, stale, { ...first, profile: null }, [guard(head.customerId, 'first')]);
    await deps.table.client.send(
      new DeleteCommand({ TableName: deps.table.name, Key: { ...keys.entry(head.customerId, 2) } }),
    );
    const second = post(stale, [plus(1)], AT);
    const result = await commit(deps.table, stale, { ...second, profile: null }, [
      guard(head.customerId, 'second'),
    ]);
    expect(result).toMatchObject({ kind: 'lost', head: { balance: 15 } });
    expect((await readHead(head.customerId)).balance).toBe(15);
  });

  it('ENTRY_IS_NEW: never overwrites an entry, even where the head was set back by hand', async () => {
    const { head } = await customerWith(deps, 5);
    const before = await readHead(head.customerId);
    const first = post(before, [plus(10)], AT);
    await commit(deps.table, before, { ...first, profile: null }, [guard(head.customerId, 'first')]);
    await setBackHead(head.customerId, before);
    const second = post(before, [plus(1)], AT);
    await expect(
      commit(deps.table, before, { ...second, profile: null }, [guard(head.customerId, 'second')]),
    ).rejects.toThrow(/entry above 1 exists/);
    expect(await readItem(keys.entry(head.customerId, 2))).toMatchObject({ amount: 10 });
  });

  it('GUARD_IS_NEW: does not happen twice under one guard, even on a fresh head', async () => {
    const { head } = await customerWith(deps, 5);
    for (const expected of ['committed', 'lost'] as const) {
      const fresh = await readHead(head.customerId);
      const next = post(fresh, [plus(3)], AT);
      const result = await commit(deps.table, fresh, { ...next, profile: null }, [
        guard(head.customerId, 'same'),
      ]);
      expect(result.kind).toBe(expected);
    }
    expect((await readHead(head.customerId)).balance).toBe(8);
  });
});

describe('a fix', () => {
  it('FIX_NOT_BILLED: is not billed a second time by a caller who read it before the first and the head after', async () => {
    const { head } = await customerWith(deps, 5);
    const fixId = await recordedFix(deps, head.customerId, 1);
    await billFixAttempt(deps, head.customerId, fixId);
    const fresh = await readHead(head.customerId);
    const next = post(
      fresh,
      [{ amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: fixId } }],
      AT,
    );
    const result = await commit(deps.table, fresh, { ...next, profile: null }, [
      billFix(head.customerId, { id: fixId, charge: null }, BILLED),
    ]);
    expect(result).toMatchObject({ kind: 'lost', winners: [{ billed: { outcome: 'credit_consumed' } }] });
    expect((await readHead(head.customerId)).balance).toBe(4);
  });

  it('FIX_NOT_BILLED: nor is one that was never recorded', async () => {
    const { head } = await customerWith(deps, 5);
    await expect(billFixAttempt(deps, head.customerId, 'a'.repeat(32))).rejects.toMatchObject({
      code: 'fix_attempt_not_found',
    });
    const fresh = await readHead(head.customerId);
    const next = post(fresh, [plus(-1)], AT);
    const once = billFix(head.customerId, { id: 'a'.repeat(32), charge: null }, BILLED);
    expect((await commit(deps.table, fresh, { ...next, profile: null }, [once])).kind).toBe('lost');
  });

  it('FIX_IS_NEW: keeps what was recorded first, also against a caller who saw nothing there', async () => {
    const { head } = await customerWith(deps, 5);
    const fixId = await recordedFix(deps, head.customerId, 2);
    await billFixAttempt(deps, head.customerId, fixId);
    const again = {
      id: fixId,
      githubOrg: 'ACME',
      repoName: 'webshop',
      prNumber: 2,
      prTitle: 'another title',
      prUrl: 'https://example.com',
      issueNumber: null,
      issueTitle: null,
      issueUrl: null,
      vulnerabilityId: null,
      metadataJson: null,
      createdAt: AT.toISOString(),
    };
    expect(await putNewFix(deps.table, head.customerId, again)).toMatchObject({
      kind: 'exists',
      fix: { prTitle: 'Fix 2', billed: { outcome: 'credit_consumed' } },
    });
    expect(await recordFixAttempt(deps, head.customerId, again)).toMatchObject({ created: false });
  });
});

describe('a customer', () => {
  it('EMAIL_IS_FREE: an address belongs to one customer, whatever its case', async () => {
    const email = uniqueEmail();
    const first = await onboardCustomer(deps, { name: 'A', email, source: 'direct' });
    await expect(
      onboardCustomer(deps, { name: 'B', email: email.toUpperCase(), source: 'direct' }),
    ).rejects.toMatchObject({ code: 'email_taken' });
    expect(await readItem(keys.email(email))).toMatchObject({ customer_id: first.head.customerId });
  });

  it('CUSTOMER_IS_NEW: a customer id drawn twice does not take over the ledger of the first', async () => {
    const { head } = await customerWith(deps, 7);
    const second = { ...head, ...emptyLedger(head.customerId), email: uniqueEmail(), name: 'Impostor' };
    expect((await createCustomer(deps.table, second, [], 'k'.repeat(64))).kind).toBe('refused');
    expect(await readHead(head.customerId)).toMatchObject({ name: 'Acme', balance: 7 });
  });
});

describe('API keys', () => {
  it('KEYS_BELOW_LIMIT: a customer cannot collect more than the limit, however many ask at once', async () => {
    const { head } = await customerWith(deps, 5);
    const asked = Array.from({ length: MAX_ACTIVE_KEYS + 3 }, () => issueKey(deps, head.customerId));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_ACTIVE_KEYS - 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'too_many_api_keys' });
    }
    expect((await readHead(head.customerId)).activeKeys).toBe(MAX_ACTIVE_KEYS);
  });

  it('KEY_IS_NEW: a key that is sent again after a lost answer is counted once, at the limit too', async () => {
    const { head } = await customerWith(deps, 5);
    const put = (n: number) => putApiKey(deps.table, head.customerId, String(n).repeat(64), AT.toISOString());
    expect(await put(1)).toEqual({ kind: 'stored' });
    expect(await put(1)).toEqual({ kind: 'stored' });
    expect((await readHead(head.customerId)).activeKeys).toBe(2);
    for (let n = 2; n < MAX_ACTIVE_KEYS; n++) await put(n);
    expect(await put(1)).toEqual({ kind: 'stored' });
    expect((await readHead(head.customerId)).activeKeys).toBe(MAX_ACTIVE_KEYS);
  });

  it('KEY_IS_ACTIVE: revoking a key twice counts once and keeps the first time', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const first = await revokeKey(deps, head.customerId, keyId);
    const later = testDeps(deps.table, { now: () => new Date(Date.now() + 60_000) });
    expect(await revokeKey(later, head.customerId, keyId)).toEqual(first);
    expect((await readHead(head.customerId)).activeKeys).toBe(0);
  });

  it('KEY_IS_ACTIVE: revoking a key that is not there writes nothing', async () => {
    const { head } = await customerWith(deps, 5);
    const keyId = 'b'.repeat(64);
    await expect(revokeKey(deps, head.customerId, keyId)).rejects.toMatchObject({
      code: 'api_key_not_found',
    });
    expect(await readItem(keys.apiKey(head.customerId, keyId))).toBeUndefined();
    expect((await readHead(head.customerId)).activeKeys).toBe(1);
  });
});

describe('rate limits', () => {
  const limit = { limit: 3, windowSeconds: 60 };
  const hit = (scope: string, seconds: number) =>
    hitRateLimit(deps.table, scope, limit, new Date(AT.getTime() + seconds * 1000));

  it('RATE_HAS_ROOM: the window never holds more than the limit, wherever the clock stands', async () => {
    const kinds = [];
    for (const seconds of [0, 50, 55, 59]) kinds.push((await hit('edge', seconds)).kind);
    expect(kinds).toEqual(['allowed', 'allowed', 'allowed', 'limited']);
    expect(await hit('edge', 59)).toEqual({ kind: 'limited', retryAfterSeconds: 1 });
    expect((await hit('edge', 60)).kind).toBe('allowed');
    expect((await hit('edge', 61)).kind).toBe('limited');
  });

  it('RATE_HAS_ROOM: of many at once, as many as the limit get in', async () => {
    const results = await Promise.all(Array.from({ length: 12 }, () => hit('crowd', 0)));
    expect(results.filter(({ kind }) => kind === 'allowed')).toHaveLength(3);
  });

  it('RATE_OLDEST_HAS_LEFT: of many at once on a full window, only the places that came free are taken', async () => {
    for (const seconds of [0, 50, 55]) await hit('full', seconds);
    const results = await Promise.all(Array.from({ length: 12 }, () => hit('full', 70)));
    expect(results.filter(({ kind }) => kind === 'allowed')).toHaveLength(1);
  });

  it('different scopes do not share a window', async () => {
    for (const scope of ['a', 'b', 'c', 'd']) expect((await hit(scope, 0)).kind).toBe('allowed');
  });
});

describe('adjustments', () => {
  const adjustment = { amount: 3, reason: 'goodwill', actor: 'ops', idempotencyKey: 'k1' };

  it('the same key again answers the same and adjusts once; with other input it is a conflict', async () => {
    const { head } = await customerWith(deps, 5);
    const answers = await Promise.all([1, 2, 3].map(() => adjustCredits(deps, head.customerId, adjustment)));
    expect(answers.map(({ balance }) => balance)).toEqual([8, 8, 8]);
    expect(answers.filter(({ already }) => !already)).toHaveLength(1);
    await expect(adjustCredits(deps, head.customerId, { ...adjustment, amount: 4 })).rejects.toMatchObject({
      code: 'key_reused',
    });
  });

  it('never takes more than there is', async () => {
    const { head } = await customerWith(deps, 5);
    const tooMuch = { ...adjustment, amount: -6, idempotencyKey: 'k2' };
    await expect(adjustCredits(deps, head.customerId, tooMuch)).rejects.toMatchObject({
      code: 'insufficient_credits',
    });
  });
});
