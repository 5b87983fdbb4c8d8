import { randomBytes } from 'node:crypto';
import { ThrottlingException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { apiKeyId, MAX_ACTIVE_KEYS, parseApiKey } from '../../../lib/domain/api-key.ts';
import { issueKey, revokeKey } from '../../../lib/operations/accounts/api-keys.ts';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { deliverNotice, type MailDeps } from '../../../lib/operations/notices/deliver-notice.ts';
import { warnLowBalances } from '../../../lib/operations/notices/warn-low-balances.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { Deps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readEntriesDown } from '../../../lib/store/ledger.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { markClosed } from '../../support/customers.ts';
import { documents, middlewareOf } from '../../support/documents.ts';
import { customerWith, range, uniqueEmail } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';
import { allNoticesOf, noticeContentsOf } from '../../support/notices.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

/* The answers and stored items when customers sign up, get keys, and run low. */

let deps: ReturnType<typeof testDeps>;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');

/** Repeats the same random values, as in a request that is retried because its answer was lost. */
function sameDraw(): Deps {
  const drawn = randomBytes(32);
  return { ...deps, now: () => AT, randomBytes: (size) => drawn.subarray(0, size) };
}

/** Throttles the first `count` transactions during `work`. */
async function meeting<T>(
  count: number,
  work: (deps: Deps, waits: readonly number[]) => Promise<T>,
): Promise<T> {
  const waits: number[] = [];
  let left = count;
  middlewareOf(deps.table).add(
    (next, context) => async (args) => {
      if (context.commandName === 'TransactWriteItemsCommand' && left > 0) {
        left -= 1;
        throw new ThrottlingException({ message: 'slow down', $metadata: {} });
      }
      return next(args);
    },
    { step: 'initialize', priority: 'high', name: 'meeting' },
  );
  try {
    return await work({ ...deps, sleep: async (ms) => void waits.push(ms) }, waits);
  } finally {
    middlewareOf(deps.table).remove('meeting');
  }
}

describe('a sign-up', () => {
  const asked = () => ({ name: 'Acme', email: uniqueEmail(), source: 'gh_marketplace' });

  it('a sign-up stores a customer on trial with five credits, one key, and a notice', async () => {
    const wanted = asked();
    const reported: BusinessEvent[] = [];
    const report = (happened: BusinessEvent) => void reported.push(happened);
    const { head, keyId, apiKey } = await onboardCustomer({ ...deps, now: () => AT, report }, wanted);
    const { customerId } = head;
    expect(reported).toEqual([
      { kind: 'customer_onboarded', customerId },
      { kind: 'credits_granted', customerId, source: 'trial_signup', credits: 5 },
    ]);
    expect(parseApiKey(apiKey)).toEqual({ customerId: head.customerId, keyId });
    expect(head).toMatchObject({
      name: 'Acme',
      email: wanted.email,
      balance: 5,
      seq: 1,
      raisedSeq: 1,
      balanceLevel: 'fine',
      subscriptionType: 'trial',
      revision: 0,
      activeKeys: 1,
      billedByDay: '',
      createdAt: AT.toISOString(),
    });
    expect(await headOf(deps, head.customerId)).toEqual(head);
    expect(await readEntriesDown(deps.table, head.customerId, null, 9)).toMatchObject([
      { amount: 5, source: 'trial_signup', metadata: { source: 'gh_marketplace' } },
    ]);
    const [key, claim] = await readTogether(deps.table, [
      keys.apiKey(head.customerId, keyId),
      keys.email(wanted.email),
    ]);
    expect(key).toMatchObject({ created_at: AT.toISOString() });
    expect(claim).toMatchObject({ customer_id: head.customerId });
    expect(await allNoticesOf(deps.table, head.customerId)).toMatchObject([
      { content: { kind: 'key_issued', keyId, by: 'sign_up' } },
    ]);
  });

  it('a sign-up with an address of a disposable provider is rejected with the field', async () => {
    await expect(onboardCustomer(deps, { ...asked(), email: 'a@mailinator.com' })).rejects.toMatchObject({
      code: 'disposable_email',
      facts: { errors: [{ field: 'email', message: 'is at a disposable e-mail provider' }] },
    });
  });

  it('a sign-up with an address in use is rejected', async () => {
    const wanted = asked();
    await onboardCustomer(deps, wanted);
    await expect(onboardCustomer(deps, wanted)).rejects.toMatchObject({ code: 'email_taken' });
  });

  it('a sign-up that the SDK repeats gets the first result', async () => {
    const [drawn, wanted] = [sameDraw(), asked()];
    const first = await onboardCustomer(drawn, wanted);
    expect(await onboardCustomer(drawn, wanted)).toEqual(first);
  });

  it("a sign-up never takes over another customer's ledger", async () => {
    const drawn = sameDraw();
    const { head } = await onboardCustomer(drawn, asked());
    await expect(onboardCustomer(drawn, asked())).rejects.toThrow('was drawn twice');
    expect(await headOf(deps, head.customerId)).toEqual(head);
  });

  it('a sign-up under contention succeeds', async () => {
    const { head } = await meeting(2, (busy) => onboardCustomer(busy, asked()));
    expect(head.balance).toBe(5);
  });
});

describe('a key', () => {
  it('a new key has a notice with its issuer, and is stored only as a hash', async () => {
    const { head } = await customerWith(deps, 5);
    const issued = await issueKey({ ...deps, now: () => AT }, head.customerId, 'operator');
    expect(issued).toEqual({
      keyId: apiKeyId(issued.apiKey),
      apiKey: expect.stringContaining(`rsolv_${head.customerId}_`),
      name: null,
      isTest: false,
      scope: 'account',
      createdAt: AT.toISOString(),
    });
    const own = await meeting(1, (busy) => issueKey(busy, head.customerId));
    expect((await headOf(deps, head.customerId)).activeKeys).toBe(3);
    const told = await noticeContentsOf(deps, head.customerId, 'key_issued');
    expect(told).toMatchObject([
      { keyId: issued.keyId, by: 'operator' },
      { keyId: own.keyId, by: 'customer' },
    ]);
  });

  it('a customer has at most ten keys, and a closed account gets none', async () => {
    const { head } = await customerWith(deps, 5);
    for (const _ of range(2, MAX_ACTIVE_KEYS)) await issueKey(deps, head.customerId);
    await expect(issueKey(deps, head.customerId)).rejects.toMatchObject({ code: 'too_many_api_keys' });
    const { head: other } = await customerWith(deps, 5);
    await markClosed(deps, other.customerId);
    await expect(issueKey(deps, other.customerId)).rejects.toMatchObject({ code: 'account_closed' });
  });

  it('a key is revoked once, only by its owner, and frees a place', async () => {
    const { head } = await customerWith(deps, 5);
    const { keyId } = await issueKey(deps, head.customerId);
    const first = await meeting(1, (busy) => revokeKey({ ...busy, now: () => AT }, head.customerId, keyId));
    expect(first).toEqual({ keyId, revokedAt: AT.toISOString() });
    expect(await revokeKey(deps, head.customerId, keyId)).toEqual(first);
    expect((await headOf(deps, head.customerId)).activeKeys).toBe(1);
    const { head: other } = await customerWith(deps, 5);
    for (const [customerId, id] of [
      [other.customerId, keyId],
      [head.customerId, 'f'.repeat(64)],
    ] as const) {
      await expect(revokeKey(deps, customerId, id)).rejects.toMatchObject({ code: 'api_key_not_found' });
    }
    expect((await headOf(deps, other.customerId)).activeKeys).toBe(1);
  });
});

describe('the run that warns', () => {
  async function low(): Promise<string> {
    const { head } = await customerWith(deps, 6);
    const spent = { amount: -1, reason: 'r', actor: 'tests', idempotencyKey: 'spent' };
    await adjustCredits(deps, head.customerId, spent);
    return head.customerId;
  }

  it('the warning run warns the other customers if one cannot be warned, and reports that one', async () => {
    const [bad, good] = [await low(), await low()];
    middlewareOf(deps.table).add(
      (next, context) => async (args) => {
        const isTheirs = JSON.stringify(args.input).includes(bad);
        if (context.commandName === 'TransactWriteItemsCommand' && isTheirs) throw new Error('no answer');
        return next(args);
      },
      { step: 'initialize', priority: 'high', name: 'bad' },
    );
    const run = warnLowBalances(deps).finally(() => middlewareOf(deps.table).remove('bad'));
    expect(await run).toMatchObject({
      warned: 1,
      failed: [{ customerId: bad, error: { code: 'ledger_unavailable' } }],
    });
    expect(await noticeContentsOf(deps, good)).toMatchObject([{ kind: 'low_balance', credits: 5 }]);
    expect(await warnLowBalances(deps)).toEqual({ warned: 1, failed: [] });
  });

  it('the warning run leaves customers to the next run when its time is up', async () => {
    const customerId = await low();
    const startedMs = Date.now() + 1_000;
    let asked = 0;
    const later = (ms: number) => () => new Date(startedMs + (asked++ === 0 ? 0 : ms));
    expect(await warnLowBalances({ ...deps, now: later(180_001) })).toEqual({ warned: 0, failed: [] });
    expect(await noticeContentsOf(deps, customerId)).toEqual([]);
    asked = 0;
    expect(await warnLowBalances({ ...deps, now: later(180_000) })).toEqual({ warned: 1, failed: [] });
  });

  it('the warning run skips closed accounts and does not return to them', async () => {
    const customerId = await low();
    await markClosed(deps, customerId);
    expect(await warnLowBalances(deps)).toEqual({ warned: 0, failed: [] });
    expect(await noticeContentsOf(deps, customerId)).toEqual([]);
    const [head] = await readTogether(deps.table, [keys.head(customerId)]);
    expect(head).not.toHaveProperty('due');
  });

  it('the warning run continues until every due customer is warned', async () => {
    for (const _ of range(1, 101)) await low();
    expect(await warnLowBalances(deps)).toEqual({ warned: 101, failed: [] });
  });
});

describe('delivering a notice', () => {
  const mailing = (send: MailDeps['mail']['send']): MailDeps => ({
    ...deps,
    mail: { send },
    appUrl: 'https://app.rsolv.example',
    apiUrl: 'https://api.rsolv.example',
  });

  it('delivering a missing notice, or the notice of a missing customer, sends nothing', async () => {
    const silent = mailing(() => Promise.reject(new Error('nothing is to be sent')));
    const { head, keyId } = await customerWith(deps, 5);
    const name = { customerId: head.customerId, kind: 'key_issued', id: keyId } as const;
    expect(await deliverNotice(silent, { ...name, id: 'f'.repeat(64) })).toBe('already');
    await documents(deps.table).send(
      new DeleteCommand({ TableName: deps.table.name, Key: keys.head(head.customerId) }),
    );
    expect(await deliverNotice(silent, name)).toBe('already');
  });

  it('a delivery that fails for a reason outside the mail service is not recorded as its rejection', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const name = { customerId: head.customerId, kind: 'key_issued', id: keyId } as const;
    const defect = new TypeError('a defect');
    await expect(
      deliverNotice(
        mailing(() => Promise.reject(defect)),
        name,
      ),
    ).rejects.toBe(defect);
    const [stored] = await allNoticesOf(deps.table, head.customerId);
    expect(stored?.state).toBe('sending');
  });
});
