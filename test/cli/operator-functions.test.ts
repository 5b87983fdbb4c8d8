import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { handler as adjustCredits } from '../../functions/adjust-credits.ts';
import { handler as issueCustomerKey } from '../../functions/issue-customer-key.ts';
import { handler as replayEvent } from '../../functions/replay-event.ts';
import { handler as revokeCustomerKey } from '../../functions/revoke-customer-key.ts';
import { handler as settlePendingCharges } from '../../functions/settle-pending-charges.ts';
import { handler as warnLowBalances } from '../../functions/warn-low-balances.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { listActiveKeys } from '../../lib/store/api-keys.ts';
import { readHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import { expectSoundLedger } from '../support/customers.ts';
import { documents } from '../support/documents.ts';
import { customerWith } from '../support/fixtures.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { noticeContentsOf } from '../support/notices.ts';

let deps: Deps;
beforeAll(async () => {
  deps = await serveFromTestTable();
});
afterEach(() => vi.restoreAllMocks());

/** Captures the log of the functions, with the metrics in it. */
function captureLog(): string[] {
  const written: string[] = [];
  for (const method of ['log', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((line) => void written.push(String(line)));
  }
  return written;
}
const metricsIn = (written: readonly string[]): string[] =>
  written
    .filter((line) => line.includes('"_aws"'))
    .flatMap((line) => [...line.matchAll(/"(CreditsAdjusted|LargeGrant)":/g)].map(([, name]) => name ?? ''));
const auditsIn = (written: readonly string[]): unknown[] =>
  written.filter((line) => /"message": ?"operator"/.test(line)).map((line) => JSON.parse(line));

const adjustment = (customer_id: string, amount: number, idempotency_key = 'k1') => ({
  customer_id,
  amount,
  reason: 'goodwill',
  actor: 'ada',
  idempotency_key,
});

describe('adjust-credits', () => {
  it('adjust-credits adjusts and counts once per key, and writes an audit line for each call', async () => {
    const { head } = await customerWith(deps, 5);
    const written = captureLog();
    const id = head.customerId;
    expect(await adjustCredits(adjustment(id, 25))).toEqual({
      ok: true,
      result: { already: false, balance: 30, seq: 2 },
    });
    expect(await adjustCredits(adjustment(id, 25))).toEqual({
      ok: true,
      result: { already: true, balance: 30, seq: 2 },
    });
    expect(metricsIn(written)).toEqual(['CreditsAdjusted']);
    const audit = {
      function: 'adjust-credits',
      actor: 'ada',
      customer_id: id,
      amount: 25,
      reason: 'goodwill',
      outcome: 'done',
    };
    expect(auditsIn(written)).toEqual([expect.objectContaining(audit), expect.objectContaining(audit)]);
    await expectSoundLedger(deps, id);
  });

  it('adjust-credits counts a grant of more than 1,000 credits as LargeGrant', async () => {
    const { head } = await customerWith(deps, 5);
    const written = captureLog();
    await adjustCredits(adjustment(head.customerId, 1_000, 'a'));
    await adjustCredits(adjustment(head.customerId, 1_001, 'b'));
    expect(metricsIn(written)).toEqual(['CreditsAdjusted', 'CreditsAdjusted', 'LargeGrant']);
  });

  it('adjust-credits refuses a negative balance and logs it as a warning', async () => {
    const { head } = await customerWith(deps, 5);
    const written = captureLog();
    expect(await adjustCredits(adjustment(head.customerId, -6))).toEqual({
      ok: false,
      problem: { code: 'insufficient_credits', detail: 'The balance is 5 credits, so 6 cannot be removed.' },
    });
    expect(auditsIn(written)).toEqual([
      expect.objectContaining({
        level: 'WARN',
        outcome: 'insufficient_credits',
        customer_id: head.customerId,
      }),
    ]);
    expect((await readHead(deps.table, head.customerId))?.balance).toBe(5);
  });

  it('adjust-credits redacts an API key in reason or actor, in the ledger and in the log', async () => {
    const { head, apiKey } = await customerWith(deps, 5);
    const written = captureLog();
    await adjustCredits({
      ...adjustment(head.customerId, 1),
      reason: `their key is ${apiKey}`,
      actor: apiKey,
    });
    const { entries } = await expectSoundLedger(deps, head.customerId);
    expect(entries.at(-1)?.metadata).toMatchObject({
      reason: 'their key is rsolv_[redacted]',
      actor: 'rsolv_[redacted]',
    });
    expect(written.join('\n')).not.toContain(apiKey);
  });

  const good = adjustment('a'.repeat(32), 5);
  it.each([
    ['an unknown field', { ...good, balance: 100 }],
    ['a missing actor', { ...good, actor: undefined }],
    ['a blank reason', { ...good, reason: ' ' }],
    ['control characters', { ...good, reason: 'a\u001b[31m' }],
    ['zero', { ...good, amount: 0 }],
    ['half a credit', { ...good, amount: 0.5 }],
    ['more than a million', { ...good, amount: 1_000_001 }],
    ['a malformed customer id', { ...good, customer_id: 'LEDGER#HEAD' }],
    ['a key with a #', { ...good, idempotency_key: 'a#b' }],
    ['null', null],
    ['text', 'adjust'],
  ])('adjust-credits refuses %s', async (_, event) => {
    captureLog();
    expect(await adjustCredits(event)).toMatchObject({ ok: false, problem: { code: 'invalid_request' } });
  });

  it('adjust-credits reports a list instead of a text as a wrong type, not as a wrong length', async () => {
    captureLog();
    for (const list of [[], ['x'], Array(1_000).fill('x')]) {
      const detail = 'reason: must be text; actor: must be text';
      expect(await adjustCredits({ ...good, reason: list, actor: list })).toEqual({
        ok: false,
        problem: { code: 'invalid_request', detail },
      });
    }
  });

  it('adjust-credits answers a defect without its details and logs them', async () => {
    const { head } = await customerWith(deps, 5);
    await breakHead(head.customerId);
    const written = captureLog();
    const answer = await adjustCredits(adjustment(head.customerId, 5));
    expect(answer).toMatchObject({ ok: false, problem: { code: 'internal_error' } });
    expect(JSON.stringify(answer)).not.toContain('not readable');
    expect(auditsIn(written)).toEqual([
      expect.objectContaining({
        level: 'ERROR',
        outcome: 'internal_error',
        error: expect.objectContaining({ message: expect.stringContaining('is not readable: balance') }),
      }),
    ]);
  });

  const breakHead = (customerId: string) =>
    documents(deps.table).send(
      new UpdateCommand({
        TableName: deps.table.name,
        Key: keys.head(customerId),
        UpdateExpression: 'SET balance = :b',
        ExpressionAttributeValues: { ':b': 'five' },
      }),
    );
});

describe('keys for customers who cannot help themselves', () => {
  it('operators can issue and revoke a key, and the log contains its id but never the key', async () => {
    const { head } = await customerWith(deps, 5);
    const written = captureLog();
    const who = { customer_id: head.customerId, reason: 'sign-up lost', actor: 'ada' };
    const issued = await issueCustomerKey(who);
    if (!issued.ok) throw new Error(issued.problem.detail);
    const { key_id, api_key } = issued.result;
    expect(api_key.startsWith(`rsolv_${head.customerId}_`)).toBe(true);
    expect((await readHead(deps.table, head.customerId))?.activeKeys).toBe(2);

    const first = await revokeCustomerKey({ ...who, key_id });
    expect(first).toMatchObject({ ok: true, result: { key_id } });
    expect(await revokeCustomerKey({ ...who, key_id })).toEqual(first);
    expect((await readHead(deps.table, head.customerId))?.activeKeys).toBe(1);
    expect(auditsIn(written)).toHaveLength(3);
    expect(written.join('\n')).not.toContain(api_key);
  });

  it('operators issue a key and end all others in one step, and the letter and the log say so', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const { customerId } = head;
    const who = { customer_id: customerId, reason: 'all keys leaked', actor: 'ada' };
    const second = await issueCustomerKey({ ...who, scope: 'fixes', name: 'CI' });
    if (!second.ok) throw new Error(second.problem.detail);
    const written = captureLog();
    const only = await issueCustomerKey({ ...who, end_others: true });
    if (!only.ok) throw new Error(only.problem.detail);
    const { key_id, ended, scope } = only.result;
    expect([...ended].sort()).toEqual([keyId, second.result.key_id].sort());
    expect(scope).toBe('account');
    expect((await listActiveKeys(deps.table, customerId)).map((key) => key.keyId)).toEqual([key_id]);
    expect(await readHead(deps.table, customerId)).toMatchObject({ activeKeys: 1, accountKeys: 1 });
    const told = await noticeContentsOf(deps, customerId, 'key_issued', 'key_revoked');
    expect(told).toHaveLength(2);
    expect(told).toContainEqual(expect.objectContaining({ keyId: key_id, by: 'operator', ended: 2 }));
    expect(auditsIn(written)).toEqual([expect.objectContaining({ end_others: true, outcome: 'done' })]);
  });

  it('operators do not leave a customer without an account key, except by closing the account', async () => {
    captureLog();
    const { head, keyId } = await customerWith(deps, 5);
    const who = { customer_id: head.customerId, reason: 'leaked', actor: 'ada' };
    const revoked = await revokeCustomerKey({ ...who, key_id: keyId });
    expect(revoked).toMatchObject({
      ok: false,
      problem: { code: 'last_key', detail: expect.stringContaining('keys issue --end-others') },
    });
    expect(await issueCustomerKey({ ...who, end_others: true, scope: 'fixes' })).toMatchObject({
      problem: { code: 'invalid_request' },
    });
    expect(await readHead(deps.table, head.customerId)).toMatchObject({ activeKeys: 1, accountKeys: 1 });
  });

  it('a key cannot be issued for an unknown customer or revoked through another customer', async () => {
    captureLog();
    const who = { customer_id: 'b'.repeat(32), reason: 'x', actor: 'ada' };
    expect(await issueCustomerKey(who)).toMatchObject({ problem: { code: 'customer_not_found' } });
    const { head, keyId } = await customerWith(deps, 5);
    const other = (await customerWith(deps, 5)).head.customerId;
    expect(await revokeCustomerKey({ ...who, customer_id: other, key_id: keyId })).toMatchObject({
      problem: { code: 'api_key_not_found' },
    });
    expect((await readHead(deps.table, head.customerId))?.activeKeys).toBe(1);
  });
});

describe('replay-event', () => {
  it('replay-event refuses a malformed id, and reports a wrong Stripe setup without its key', async () => {
    captureLog();
    expect(await replayEvent({ event_id: 'in_1', actor: 'ada' })).toMatchObject({
      problem: { code: 'invalid_request' },
    });
    vi.stubEnv('STRIPE_SECRET_KEY', 'sk_live_not_here');
    const answer = await replayEvent({ event_id: 'evt_1', actor: 'ada' });
    expect(answer).toMatchObject({ ok: false, problem: { code: 'internal_error' } });
    expect(JSON.stringify(answer)).not.toContain('sk_live');
    vi.unstubAllEnvs();
  });
});

describe('settle-pending-charges', () => {
  it('settle-pending-charges returns its result to the schedule and to operators', async () => {
    captureLog();
    const schedule = { version: '0', 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} };
    for (const event of [schedule, {}, { older_than_seconds: 0 }]) {
      expect(await settlePendingCharges(event)).toEqual({ settled: 0, waiting: [], failed: [] });
    }
    await expect(settlePendingCharges({ older_than_seconds: -1 })).rejects.toThrow();
  });
});

describe('settle-pending-charges with work of an unknown kind', () => {
  it('settle-pending-charges returns, logs and counts work of an unknown kind as still open', async () => {
    const newer = { pk: keys.customer('c'.repeat(32)), sk: 'NEWER#1' };
    const Item = { ...newer, due: 'charge', due_at: '2026-01-02T03:04:05.678Z', says: 'secret' };
    await documents(deps.table).send(new PutCommand({ TableName: deps.table.name, Item }));
    const written = captureLog();
    expect(await settlePendingCharges({})).toEqual({
      settled: 0,
      waiting: [],
      failed: [{ kind: 'unknown', customer_id: newer.pk, id: newer.sk }],
    });
    const logged = written.find((line) => line.includes('charge still pending')) ?? '{}';
    expect(JSON.parse(logged)).toMatchObject({ level: 'ERROR', key: newer });
    expect(written.filter((line) => line.includes('"PendingChargeFailed":1'))).toHaveLength(1);
    expect(written.join('')).not.toContain('secret');
    await documents(deps.table).send(new DeleteCommand({ TableName: deps.table.name, Key: newer }));
  });
});

describe('warn-low-balances', () => {
  it('warn-low-balances counts and logs the customers it could not warn', async () => {
    const counts = (written: readonly string[]) =>
      written.flatMap((line) => /"WarningFailed":(\d+)/.exec(line)?.[1] ?? []);
    const withoutFault = captureLog();
    expect(await warnLowBalances()).toEqual({ warned: 0, failed: 0 });
    expect(counts(withoutFault)).toEqual(['0']);
    const { head } = await customerWith(deps, 5);
    await documents(deps.table).send(
      new UpdateCommand({
        TableName: deps.table.name,
        Key: { ...keys.head(head.customerId) },
        UpdateExpression: 'SET balance_level = :nonsense, due = :due, due_at = :then',
        ExpressionAttributeValues: { ':nonsense': 'nonsense', ':due': 'low_balance', ':then': '2026-01-02' },
      }),
    );
    vi.restoreAllMocks();
    const written = captureLog();
    expect(await warnLowBalances()).toEqual({ warned: 0, failed: 1 });
    expect(counts(written)).toEqual(['1']);
    expect(written.find((line) => line.includes('customer not warned'))).toContain(head.customerId);
  });
});
