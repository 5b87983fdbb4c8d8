import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { handler as adjustCredits } from '../../functions/adjust-credits.ts';
import { handler as issueCustomerKey } from '../../functions/issue-customer-key.ts';
import { handler as replayEvent } from '../../functions/replay-event.ts';
import { handler as revokeCustomerKey } from '../../functions/revoke-customer-key.ts';
import { handler as settlePendingCharges } from '../../functions/settle-pending-charges.ts';
import { handler as warnLowBalances } from '../../functions/warn-low-balances.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { readHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import { expectSoundLedger } from '../support/customers.ts';
import { customerWith } from '../support/fixtures.ts';
import { serveFromTestTable } from '../support/http-table.ts';

let deps: Deps;
beforeAll(async () => {
  deps = await serveFromTestTable();
});
afterEach(() => vi.restoreAllMocks());

/** What the functions write: their log, and the metrics in it. */
function listen(): string[] {
  const written: string[] = [];
  for (const method of ['log', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((line) => void written.push(String(line)));
  }
  return written;
}
const metricsIn = (written: readonly string[]): string[] =>
  written
    .filter((line) => line.includes('"_aws"'))
    .flatMap((line) => /"(CreditsAdjusted|LargeGrant)":/.exec(line)?.[1] ?? []);
const auditsIn = (written: readonly string[]): unknown[] =>
  written.filter((line) => /"message": ?"operator"/.test(line)).map((line) => JSON.parse(line));

const order = (customer_id: string, amount: number, idempotency_key = 'k1') => ({
  customer_id,
  amount,
  reason: 'goodwill',
  actor: 'ada',
  idempotency_key,
});

describe('adjust-credits', () => {
  it('adjusts once under one key, writes an audit line each time, and counts once', async () => {
    const { head } = await customerWith(deps, 5);
    const written = listen();
    const id = head.customerId;
    expect(await adjustCredits(order(id, 25))).toEqual({
      ok: true,
      result: { already: false, balance: 30, seq: 2 },
    });
    expect(await adjustCredits(order(id, 25))).toEqual({
      ok: true,
      result: { already: true, balance: 30, seq: 2 },
    });
    expect(metricsIn(written)).toEqual(['CreditsAdjusted']);
    const said = {
      function: 'adjust-credits',
      actor: 'ada',
      customer_id: id,
      amount: 25,
      reason: 'goodwill',
      outcome: 'done',
    };
    expect(auditsIn(written)).toEqual([expect.objectContaining(said), expect.objectContaining(said)]);
    await expectSoundLedger(deps, id);
  });

  it('counts a grant of more than 1,000 apart', async () => {
    const { head } = await customerWith(deps, 5);
    const written = listen();
    await adjustCredits(order(head.customerId, 1_000, 'a'));
    await adjustCredits(order(head.customerId, 1_001, 'b'));
    expect(metricsIn(written)).toEqual(['CreditsAdjusted', 'CreditsAdjusted', 'LargeGrant']);
  });

  it('refuses to go below zero, and says so in the log without calling it an error', async () => {
    const { head } = await customerWith(deps, 5);
    const written = listen();
    expect(await adjustCredits(order(head.customerId, -6))).toEqual({
      ok: false,
      problem: { code: 'insufficient_credits', detail: 'The balance is 5; 6 cannot be taken from it.' },
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

  it('makes a key that was pasted into a reason or a name unusable, in the ledger and in the log', async () => {
    const { head, apiKey } = await customerWith(deps, 5);
    const written = listen();
    await adjustCredits({ ...order(head.customerId, 1), reason: `their key is ${apiKey}`, actor: apiKey });
    const { entries } = await expectSoundLedger(deps, head.customerId);
    expect(entries.at(-1)?.metadata).toMatchObject({
      reason: 'their key is rsolv_[redacted]',
      actor: 'rsolv_[redacted]',
    });
    expect(written.join('\n')).not.toContain(apiKey);
  });

  const good = order('a'.repeat(32), 5);
  it.each([
    ['what it does not know', { ...good, balance: 100 }],
    ['no actor', { ...good, actor: undefined }],
    ['a blank reason', { ...good, reason: ' ' }],
    ['control characters', { ...good, reason: 'a\u001b[31m' }],
    ['zero', { ...good, amount: 0 }],
    ['half a credit', { ...good, amount: 0.5 }],
    ['more than a million', { ...good, amount: 1_000_001 }],
    ['a customer id that is none', { ...good, customer_id: 'LEDGER#HEAD' }],
    ['a key with a #', { ...good, idempotency_key: 'a#b' }],
    ['nothing', null],
    ['text', 'adjust'],
  ])('refuses %s before anything is read', async (_, event) => {
    listen();
    expect(await adjustCredits(event)).toMatchObject({ ok: false, problem: { code: 'invalid_request' } });
  });

  it('says of a list where a text should be that it is one, and not how long it should be', async () => {
    listen();
    for (const list of [[], ['x'], Array(1_000).fill('x')]) {
      const detail =
        'reason: Invalid input: expected string, received array; ' +
        'actor: Invalid input: expected string, received array';
      expect(await adjustCredits({ ...good, reason: list, actor: list })).toEqual({
        ok: false,
        problem: { code: 'invalid_request', detail },
      });
    }
  });

  it('answers a defect without its details, which are in the log', async () => {
    const { head } = await customerWith(deps, 5);
    await breakHead(head.customerId);
    const written = listen();
    const answer = await adjustCredits(order(head.customerId, 5));
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
    deps.table.client.send(
      new UpdateCommand({
        TableName: deps.table.name,
        Key: keys.head(customerId),
        UpdateExpression: 'SET balance = :b',
        ExpressionAttributeValues: { ':b': 'five' },
      }),
    );
});

describe('keys for customers who cannot help themselves', () => {
  it('issues one that works and revokes it; the log has its id and never the key', async () => {
    const { head } = await customerWith(deps, 5);
    const written = listen();
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

  it('issues none for nobody, and revokes none of another customer', async () => {
    listen();
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
  it('refuses what is no event, and tells of a Stripe that is not set up without its settings', async () => {
    listen();
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
  it('is called by the schedule and by operators, and answers what it did', async () => {
    listen();
    const schedule = { version: '0', 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} };
    for (const event of [schedule, {}, { older_than_seconds: 0 }]) {
      expect(await settlePendingCharges(event)).toEqual({ settled: 0, waiting: [], failed: [] });
    }
    await expect(settlePendingCharges({ older_than_seconds: -1 })).rejects.toThrow();
  });
});

describe('settle-pending-charges, of work that this release does not know', () => {
  it('says in its answer and in its log which it is, and counts it: it is still open', async () => {
    const newer = { pk: keys.customer('c'.repeat(32)), sk: 'NEWER#1' };
    const Item = { ...newer, due: 'charge', due_at: '2026-01-02T03:04:05.678Z', says: 'secret' };
    await deps.table.client.send(new PutCommand({ TableName: deps.table.name, Item }));
    const written = listen();
    expect(await settlePendingCharges({})).toEqual({
      settled: 0,
      waiting: [],
      failed: [{ kind: 'unknown', customer_id: newer.pk, id: newer.sk }],
    });
    const said = written.find((line) => line.includes('charge still pending')) ?? '{}';
    expect(JSON.parse(said)).toMatchObject({ level: 'ERROR', key: newer });
    expect(written.filter((line) => line.includes('"PendingChargeFailed":1'))).toHaveLength(1);
    expect(written.join('')).not.toContain('secret');
    await deps.table.client.send(new DeleteCommand({ TableName: deps.table.name, Key: newer }));
  });
});

describe('warn-low-balances', () => {
  it('counts, and names in its log, those whom it could not warn; 0 where it could', async () => {
    const counts = (written: readonly string[]) =>
      written.flatMap((line) => /"WarningFailed":(\d+)/.exec(line)?.[1] ?? []);
    const sound = listen();
    expect(await warnLowBalances()).toEqual({ warned: 0, failed: 0 });
    expect(counts(sound)).toEqual(['0']);
    const { head } = await customerWith(deps, 5);
    await deps.table.client.send(
      new UpdateCommand({
        TableName: deps.table.name,
        Key: { ...keys.head(head.customerId) },
        UpdateExpression: 'SET balance_level = :nonsense, due = :due, due_at = :then',
        ExpressionAttributeValues: { ':nonsense': 'nonsense', ':due': 'low_balance', ':then': '2026-01-02' },
      }),
    );
    vi.restoreAllMocks();
    const written = listen();
    expect(await warnLowBalances()).toEqual({ warned: 0, failed: 1 });
    expect(counts(written)).toEqual(['1']);
    expect(written.find((line) => line.includes('customer not warned'))).toContain(head.customerId);
  });
});
