import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyLedger } from '../../lib/domain/verify.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { readLedgerRecords } from '../../lib/store/audit/audit.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { recordedFix } from '../support/customers.ts';
import { documents } from '../support/documents.ts';
import { customerWith } from '../support/fixtures.ts';
import { headOf } from '../support/money.ts';
import { openTestTable, testDeps } from '../support/table.ts';

let deps: PaymentDeps;
let customerId: string;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

/** A valid ledger of six entries: the trial grant and five fixes. */
beforeEach(async () => {
  const { head } = await customerWith(deps, 5);
  customerId = head.customerId;
  for (const pr of [1, 2, 3, 4, 5])
    await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, pr));
  expect(await violations()).toEqual([]);
});

async function violations(): Promise<string[]> {
  const records = await readLedgerRecords(deps.table, customerId);
  if (records === null) throw new Error('no customer');
  return verifyLedger(records).map(({ message }) => message);
}

function set(key: Key, attribute: string, value: unknown) {
  return documents(deps.table).send(
    new UpdateCommand({
      TableName: deps.table.name,
      Key: { ...key },
      UpdateExpression: 'SET #attribute = :value',
      ExpressionAttributeNames: { '#attribute': attribute },
      ExpressionAttributeValues: { ':value': value },
    }),
  );
}

const put = (item: Record<string, unknown>) =>
  documents(deps.table).send(new PutCommand({ TableName: deps.table.name, Item: item }));

const get = async (key: Key) =>
  (await documents(deps.table).send(new GetCommand({ TableName: deps.table.name, Key: { ...key } }))).Item;

describe('tampering with what is stored is found, and the entry is named', () => {
  it('a changed amount is found, and its entry is named', async () => {
    await set(keys.entry(customerId, 3), 'amount', 0);
    expect(await violations()).toContain('entry 3 was changed: its hash does not match');
  });

  it('a changed plan, card or dispute in the head is found', async () => {
    const head = keys.head(customerId);
    const subscription = {
      id: 'sub_1',
      state: 'unpaid',
      cancel_at_period_end: false,
      current_period_end: null,
    };
    await set(head, 'subscription_type', 'pro');
    expect(await violations()).toEqual([
      'the plan is pro, but with no subscription it should be pay_as_you_go',
    ]);
    await set(head, 'subscription', subscription);
    await set(head, 'payment_method_id', 'pm_1');
    await set(head, 'open_disputes', ['du_1']);
    expect(await violations()).toEqual([
      'the plan is pro, but with a subscription that is unpaid it should be pay_as_you_go',
      'payment method pm_1 is on file without a Stripe customer',
      'subscription sub_1 is stored without a Stripe customer',
      'disputes are open (du_1) without a Stripe customer',
    ]);
  });

  it('a duplicate card bonus or Stripe customer id is found without failing the batch read', async () => {
    const first = await get(keys.entry(customerId, 1));
    const bonus = { source: 'trial_billing_added', metadata: { card_fingerprint: 'fp_1' } };
    for (const seq of [7, 8]) await put({ ...first, ...keys.entry(customerId, seq), seq, ...bonus });
    await set(keys.head(customerId), 'stripe_customer_id', 'cus_1');
    await set(keys.head(customerId), 'former_stripe_customer_id', 'cus_1');
    expect(await violations()).toEqual(
      expect.arrayContaining([
        'entry 8 grants trial_billing_added a second time',
        'Stripe customer cus_1 is bound to no customer, so its payments do not reach this customer',
      ]),
    );
  });

  it('an unbound or foreign address and a wrong number of keys are found', async () => {
    const { email } = await headOf(deps, customerId);
    await set(keys.email(email), 'customer_id', 'somebody');
    expect(await violations()).toEqual(['the e-mail address is bound to somebody']);
    await documents(deps.table).send(
      new DeleteCommand({ TableName: deps.table.name, Key: { ...keys.email(email) } }),
    );
    await set(keys.head(customerId), 'active_keys', 0);
    expect(await violations()).toEqual([
      'the e-mail address is bound to no customer',
      'the head counts 0 active keys, but 1 are stored',
    ]);
  });

  it('a changed reason of an entry is found', async () => {
    await set(keys.entry(customerId, 4), 'metadata', { fix_attempt_id: 'another' });
    expect(await violations()).toContain('entry 4 was changed: its hash does not match');
  });

  it('a changed order of two entries is found', async () => {
    const [second, third] = await Promise.all([
      get(keys.entry(customerId, 2)),
      get(keys.entry(customerId, 3)),
    ]);
    const put = (item: object | undefined, sk: string) =>
      documents(deps.table).send(new PutCommand({ TableName: deps.table.name, Item: { ...item, sk } }));
    await put(second, keys.entry(customerId, 3).sk);
    await put(third, keys.entry(customerId, 2).sk);
    expect(await violations()).toContain('entry 2 is out of order');
  });

  it.each([
    ['in the middle', 3],
    ['the first', 1],
    ['the newest', 6],
  ])('a missing entry is found: %s', async (_where, seq) => {
    await documents(deps.table).send(
      new DeleteCommand({ TableName: deps.table.name, Key: { ...keys.entry(customerId, seq) } }),
    );
    expect(await violations()).toContain(`entry ${seq} is missing`);
  });

  it('a changed balance is found', async () => {
    await set(keys.head(customerId), 'balance', 1_000);
    expect(await violations()).toEqual(['the balance is 1000, the entries add up to 0']);
  });

  it('a fix marked unpaid, which could be billed again, is found', async () => {
    const { fixes } = (await readLedgerRecords(deps.table, customerId)) ?? { fixes: [] };
    const fixId = fixes[0]?.id ?? '';
    await documents(deps.table).send(
      new UpdateCommand({
        TableName: deps.table.name,
        Key: { ...keys.fix(customerId, fixId) },
        UpdateExpression: 'REMOVE billed',
      }),
    );
    expect(await violations()).toEqual([
      expect.stringContaining(`deploys fix ${fixId}, which is not stored as billed`),
    ]);
  });
});
