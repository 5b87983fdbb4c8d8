import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { openClosing } from '../../../lib/store/closing.ts';
import { dueAt } from '../../../lib/store/due-work.ts';
import { recordEvent } from '../../../lib/store/events.ts';
import { type Key, keys } from '../../../lib/store/keys.ts';
import { keepOrder } from '../../../lib/store/orders.ts';
import { announceReturn } from '../../../lib/store/payments/double-payments.ts';
import { keepRenewal } from '../../../lib/store/renewals.ts';

import { writeTogether } from '../../../lib/store/table.ts';

import { openService } from '../../support/cli/service.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, json, lines, money, run, table } = service;

const NOBODY = '0'.repeat(32);

const RENEWAL = {
  attempt: 1,
  state: 'paying',
  invoiceId: 'in_1',
  subscriptionId: 'sub_1',
  amountCents: 59_900,
  stripeCustomerId: 'cus_1',
  paymentMethodId: 'pm_1',
  cardKey: null,
  startedAt: '2026-01-02T00:00:01.500Z',
} as const;
const ORDER = {
  attempt: 1,
  state: 'ordering',
  stripeCustomerId: 'cus_nobody',
  paymentMethodId: null,
  cardKey: null,
  priceId: 'price_pro',
} as const;

const forget = ({ pk, sk }: Key) =>
  table.client.send(new DeleteCommand({ TableName: table.name, Key: { pk, sk } }));
/** One that nobody has given back, due since `second` seconds after midnight. */
const doublePayment = (paymentIntentId: string, second: number) => ({
  ...announceReturn(NOBODY, { fixAttemptId: 'f1', paymentIntentId, amountCents: 2900 }, new Date(0)).Put.Item,
  ...keys.once(NOBODY, 'double_payment', paymentIntentId),
  ...dueAt('charge', new Date(Date.parse('2026-01-02T00:00:00.000Z') + second * 1_000)),
});

describe('charges', () => {
  it('what Stripe left open is listed and settled; what stays open is exit code 1', async () => {
    expect((await lines('charges', 'pending')).shown).toEqual(['Nothing is open.']);
    const { head } = await customerWith(deps, 5);
    await addPaymentMethod(deps, head, 'pm_card_mastercard');
    const { balance } = await headOf(deps, head.customerId);
    await run('adjust', head.customerId, String(-balance), '--reason', 'x', '--yes');
    const fixId = await recordedFix(deps, head.customerId, 4711);
    const silence = { path: '/v1/payment_intents**', kind: 'drop_before', times: 50 };
    await money.control('faults', silence);
    await expect(billFixAttempt(deps, head.customerId, fixId)).rejects.toThrow();

    expect((await json('charges', 'pending')).answer).toMatchObject({
      charges: [
        {
          kind: 'fix',
          customer_id: head.customerId,
          id: fixId,
          state: 'charging',
          amount_cents: 2900,
          attempt: 1,
        },
      ],
    });
    expect((await lines('charges', 'pending')).shown[1]).toMatch(
      new RegExp(`^${head.customerId}  fix ${fixId}  charging  \\$29.00  +0 min$`),
    );
    expect((await lines('customer', 'show', head.customerId)).shown).toContain(
      'open charge    acme/webshop#4711, $29.00, charging',
    );
    // Younger than two minutes: still in the hands of the request.
    expect((await json('charges', 'settle')).answer).toEqual({ settled: 0, waiting: [], failed: [] });
    expect(await json('charges', 'settle', '--now')).toEqual({
      code: 1,
      answer: {
        settled: 0,
        waiting: [],
        failed: [{ kind: 'fix', customer_id: head.customerId, id: fixId }],
      },
    });
    await money.control('faults/clear');
    expect(await lines('charges', 'settle', '--older-than', '0')).toEqual({
      code: 0,
      shown: ['1 piece of work settled, 0 still open.'],
    });
    expect((await json('charges', 'pending')).answer).toEqual({ charges: [], unreadable: [] });
    expect((await json('ledger', 'verify', head.customerId)).code).toBe(0);
  });

  it('one that cannot be read is named by its key, and keeps nobody from the others', async () => {
    const { head } = await customerWith(deps, 5);
    const id = head.customerId;
    const nonsense = { ...doublePayment('pi_odd', 1), amount_cents: 'secret' };
    const newer = { ...doublePayment('pi_newer', 2), sk: 'NEWER#1', says: 'secret' };
    const fix = { ...keys.fix(id, 'odd'), id: 'odd', charge: { state: 'secret' } };
    const items = [nonsense, newer, doublePayment('pi_sound', 3), fix];
    for (const Item of items) await table.client.send(new PutCommand({ TableName: table.name, Item }));
    const { pk, sk } = nonsense;
    const { code, answer } = await json('charges', 'pending');
    expect([code, answer]).toMatchObject([
      0,
      {
        charges: [{ id: 'pi_sound' }],
        unreadable: [
          { pk, sk, attributes: ['amount_cents'] },
          { pk, sk: 'NEWER#1', attributes: ['sk'] },
        ],
      },
    ]);
    const pending = (await lines('charges', 'pending')).shown;
    expect(pending).toEqual(expect.arrayContaining([pk, `  ${sk}`, '  not readable: amount_cents']));
    expect(pending.slice(-2)).toEqual(['1 piece of work open.', '2 pieces of work not readable.']);
    const shown = await lines('customer', 'show', id);
    expect([shown.code, shown.shown]).toEqual([0, expect.arrayContaining(['not readable   FIX#odd'])]);
    const customer = await json('customer', 'show', id);
    expect(customer.answer['unreadable_charges']).toMatchObject([keys.fix(id, 'odd')]);
    expect(JSON.stringify([answer, pending, shown, customer])).not.toContain('secret');
    for (const item of items) await forget(item);
  });

  it('work list names every kind of open work; charges pending leaves out parked events', async () => {
    const event = {
      eventId: 'evt_parked',
      type: 'invoice.paid',
      outcome: 'parked',
      reason: 'of a customer that is not known',
      customerId: null,
      objectId: 'in_1',
      amount: null,
      currency: null,
      createdAt: '2026-01-02T00:00:00.000Z',
      receivedAt: '2026-01-02T00:00:00.000Z',
    } as const;
    await writeTogether(table, [
      recordEvent(event),
      keepOrder(NOBODY, { ...ORDER, startedAt: '2026-01-02T00:00:01.000Z' }, null),
      openClosing(NOBODY, 'nobody@example.com', new Date('2026-01-02T00:00:02.000Z')),
      keepRenewal(NOBODY, RENEWAL, null),
    ]);
    await table.client.send(new PutCommand({ TableName: table.name, Item: doublePayment('pi_second', 3) }));
    const charges = [
      { kind: 'order', customer_id: NOBODY, id: null, state: 'ordering', attempt: 1 },
      { kind: 'renewal', customer_id: NOBODY, id: 'in_1', state: 'paying', amount_cents: 59_900 },
      { kind: 'closing', customer_id: NOBODY, id: null, state: 'to be cleared' },
      { kind: 'double_payment', customer_id: NOBODY, id: 'pi_second', amount_cents: 2900 },
    ];
    const parked = { kind: 'event', customer_id: null, id: 'evt_parked', state: 'parked' };
    expect((await json('charges', 'pending')).answer).toMatchObject({ charges });
    const { answer } = await json('work', 'list');
    expect(answer).toMatchObject({ work: [...charges, parked] });
    expect((await lines('work', 'list')).shown).toContainEqual(
      expect.stringMatching(/event evt_parked +parked/),
    );
    const left = [keys.event('evt_parked'), keys.order(NOBODY), keys.renewal(NOBODY), keys.closing(NOBODY)];
    for (const key of [...left, keys.once(NOBODY, 'double_payment', 'pi_second')]) await forget(key);
    expect((await lines('work', 'settle', '--now')).shown).toEqual([
      '0 pieces of work settled, 0 still open.',
    ]);
  });

  it('what is open is listed however much is older, and counted', async () => {
    const open = range(1, 250).map((n) => doublePayment(`pi_${n}`, n));
    for (const Item of open) await table.client.send(new PutCommand({ TableName: table.name, Item }));
    const Charges = z.array(z.object({ id: z.string() }));
    const { answer } = await json('charges', 'pending');
    expect(Charges.parse(answer['charges']).map(({ id }) => id)).toEqual(range(1, 250).map((n) => `pi_${n}`));
    expect((await lines('charges', 'pending')).shown.at(-1)).toBe('250 pieces of work open.');
    for (const { pk, sk } of open) await forget({ pk, sk });
  });
});
