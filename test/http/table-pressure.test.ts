import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Deps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether } from '../../lib/store/table.ts';
import { countedIn, heard } from '../support/counted.ts';
import { type EngineFault, type FaultyEngine, startFaultyEngine } from '../support/faulty-engine.ts';
import { uniqueEmail } from '../support/fixtures.ts';
import { type Answer, api, call, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { engineEndpoint } from '../support/table.ts';

/* What callers get while DynamoDB throttles, is busy, or does not answer clearly. */

let deps: Deps;
let engine: FaultyEngine;
let customer: SignedUp;
beforeAll(async () => {
  deps = await serveFromTestTable();
  engine = await startFaultyEngine(await engineEndpoint());
  process.env['DYNAMODB_ENDPOINT'] = engine.endpoint;
  customer = await signUp();
});
afterAll(() => engine.close());
beforeEach(() => engine.fail());

const ALWAYS = 1_000;
const writes = (...faults: readonly Omit<EngineFault, 'operation'>[]) =>
  engine.fail(...faults.map((fault) => ({ operation: 'TransactWriteItems', ...fault })));
const canceled = (...reasons: string[]) => ({ name: 'TransactionCanceledException', reasons });

let prNumber = 0;
function recordFix(): Promise<Answer> {
  prNumber += 1;
  return call(api.recordFixAttempt, { apiKey: customer.apiKey, body: fixBody(prNumber) });
}

const CALLS: Readonly<Record<string, () => Promise<Answer>>> = {
  'POST /customers': () => call(api.onboardCustomer, { body: { name: 'Acme', email: uniqueEmail() } }),
  'POST /fix-attempts': recordFix,
  'POST /fix-attempts/:id/billing': async () => {
    const { body } = await recordFix();
    return call(api.billFixAttempt, { apiKey: customer.apiKey, params: { id: String(body['id']) } });
  },
  'POST /api-keys': () => call(api.issueApiKey, { apiKey: customer.apiKey }),
};

describe('a throttled table', () => {
  it.each(Object.entries(CALLS).filter(([name]) => !name.endsWith('billing')))(
    '%s answers 503 with retry-after after at most 9 sends, and is no defect',
    async (_, ask) => {
      writes({ when: 'refuse', times: ALWAYS, error: { name: 'ThrottlingException' } });
      const before = engine.count('TransactWriteItems');
      const { result, lines } = await heard(ask);
      expect(result).toMatchObject({ status: 503, body: { code: 'ledger_unavailable' } });
      expect(result.headers).toHaveProperty('retry-after');
      expect(countedIn(lines)).not.toContain('Defect');
      expect(engine.count('TransactWriteItems') - before).toBeLessThanOrEqual(9);
    },
  );

  it('a call succeeds if the table has capacity again at its third try', async () => {
    writes({ when: 'refuse', times: 6, error: { name: 'ThrottlingException' } });
    expect((await recordFix()).status).toBe(201);
  });
});

describe('a write that is still in progress', () => {
  it.each(Object.entries(CALLS))('%s recognizes its own write, and succeeds once', async (name, ask) => {
    // More often than the SDK itself repeats a call.
    writes({ when: 'in_progress', times: 4 });
    const { status, body } = await ask();
    expect([name, status]).toEqual([name, name.endsWith('billing') ? 200 : 201]);
    if (name.endsWith('billing')) expect(body).toMatchObject({ outcome: 'credit_consumed' });
  });

  it('a write whose answer was lost, and whose repeats are throttled, is recognized in the end', async () => {
    writes({ when: 'after', times: 1 }, { when: 'refuse', times: 4, error: { name: 'ThrottlingException' } });
    // 200 would say that another call had recorded it.
    expect((await recordFix()).status).toBe(201);
  });

  it.each(Object.entries(CALLS))('%s recognizes its own write after a lost answer', async (name, ask) => {
    writes({ when: 'after', times: 1 });
    expect([name, (await ask()).status]).toEqual([name, name.endsWith('billing') ? 200 : 201]);
  });
});

describe('a canceled write with a conflict among its reasons', () => {
  it('a conflict on the head beside a failed condition is retried, and is no tampering', async () => {
    const { body } = await recordFix();
    writes({
      when: 'refuse',
      times: 1,
      error: canceled('TransactionConflict', 'None', 'ConditionalCheckFailed'),
    });
    const { result, lines } = await heard(() =>
      call(api.billFixAttempt, { apiKey: customer.apiKey, params: { id: String(body['id']) } }),
    );
    expect(result.status).toBe(200);
    expect(countedIn(lines)).not.toContain('Defect');
  });

  it('a sign-up with a conflict beside a failed condition is retried, and does not say email_taken', async () => {
    const email = uniqueEmail();
    const reasons = ['ConditionalCheckFailed', 'TransactionConflict', 'None', 'None', 'None', 'None'];
    // The first transaction counts the call, the second creates the customer.
    writes({ when: 'refuse', times: 2, error: canceled(...reasons) });
    expect((await call(api.onboardCustomer, { body: { name: 'Acme', email } })).status).toBe(201);
    const [claim] = await readTogether(deps.table, [keys.email(email)]);
    expect(claim).toBeDefined();
  });
});

describe('a table that leaves keys unprocessed', () => {
  it('a read asks for the missing keys again, with waits between', async () => {
    engine.fail({ operation: 'BatchGetItem', when: 'unprocessed', times: 3 });
    expect((await recordFix()).status).toBe(201);
  });

  it('a read that never gets its keys is 503, not missing items', async () => {
    engine.fail({ operation: 'BatchGetItem', when: 'unprocessed', times: ALWAYS });
    expect(await recordFix()).toMatchObject({
      status: 503,
      body: { code: 'ledger_unavailable' },
    });
  });
});
