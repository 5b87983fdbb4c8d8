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
import { keepCardSession } from '../../../lib/store/payments/card-sessions.ts';
import { announceReturn } from '../../../lib/store/payments/double-payments.ts';
import { keepRenewal } from '../../../lib/store/renewals.ts';

import { writeTogether } from '../../../lib/store/table.ts';

import { openService } from '../../support/cli/service.ts';
import { recordedFix } from '../../support/customers.ts';
import { documents } from '../../support/documents.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, json, lines, money, run, table } = service;

const UNKNOWN_CUSTOMER = '0'.repeat(32);

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
const CARD_SESSION = {
  attempt: 1,
  state: 'completing',
  sessionId: 'cs_1',
  stripeCustomerId: 'cus_1',
  cardBefore: null,
  startedAt: '2026-01-02T00:00:00.000Z',
  completedAt: '2026-01-02T00:00:02.500Z',
  sourceIp: '203.0.113.9',
  userAgent: null,
  page: '/billing/card',
  linkId: null,
  outcome: null,
} as const;
const ORDER = {
  attempt: 1,
  state: 'ordering',
  stripeCustomerId: 'cus_unknown',
  paymentMethodId: null,
  cardKey: null,
  priceId: 'price_pro',
  returnUrl: null,
} as const;

const deleteItem = ({ pk, sk }: Key) =>
  documents(table).send(new DeleteCommand({ TableName: table.name, Key: { pk, sk } }));
/** A second payment that is not returned yet, due since `second` seconds after midnight. */
const doublePayment = (paymentIntentId: string, second: number) => ({
  ...announceReturn(
    UNKNOWN_CUSTOMER,
    { fixAttemptId: 'f1', paymentIntentId, amountCents: 2900, spendingMonth: null },
    new Date(0),
  ).Put.Item,
  ...keys.once(UNKNOWN_CUSTOMER, 'double_payment', paymentIntentId),
  ...dueAt('charge', new Date(Date.parse('2026-01-02T00:00:00.000Z') + second * 1_000)),
});

describe('charges', () => {
  it('an open charge is listed and settled, and a charge that stays open gives exit code 1', async () => {
    expect((await lines('charges', 'pending')).shown).toEqual(['No open work.']);
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
    // Younger than two minutes: the request that started it may still be in flight.
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
      shown: ['1 item settled, 0 still open.'],
    });
    expect((await json('charges', 'pending')).answer).toEqual({ charges: [], unreadable: [] });
    expect((await json('ledger', 'verify', head.customerId)).code).toBe(0);
  });

  it('an unreadable charge is listed by its key, together with all other charges', async () => {
    const { head } = await customerWith(deps, 5);
    const id = head.customerId;
    const nonsense = { ...doublePayment('pi_odd', 1), amount_cents: 'secret' };
    const newer = { ...doublePayment('pi_newer', 2), sk: 'NEWER#1', says: 'secret' };
    const fix = { ...keys.fix(id, 'odd'), id: 'odd', charge: { state: 'secret' } };
    const items = [nonsense, newer, doublePayment('pi_sound', 3), fix];
    for (const Item of items) await documents(table).send(new PutCommand({ TableName: table.name, Item }));
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
    expect(pending.slice(-2)).toEqual(['1 item open.', '2 items not readable.']);
    const shown = await lines('customer', 'show', id);
    expect([shown.code, shown.shown]).toEqual([0, expect.arrayContaining(['not readable   FIX#odd'])]);
    const customer = await json('customer', 'show', id);
    expect(customer.answer['unreadable_charges']).toMatchObject([keys.fix(id, 'odd')]);
    expect(JSON.stringify([answer, pending, shown, customer])).not.toContain('secret');
    for (const item of items) await deleteItem(item);
  });

  it('work list shows every kind of open work, and charges pending omits parked events', async () => {
    const event = {
      eventId: 'evt_parked',
      type: 'invoice.paid',
      outcome: 'parked',
      reason: 'unknown customer',
      customerId: null,
      objectId: 'in_1',
      amount: null,
      currency: null,
      createdAt: '2026-01-02T00:00:00.000Z',
      receivedAt: '2026-01-02T00:00:00.000Z',
    } as const;
    await writeTogether(table, [
      recordEvent(event),
      keepOrder(UNKNOWN_CUSTOMER, { ...ORDER, startedAt: '2026-01-02T00:00:01.000Z' }, null),
      openClosing(UNKNOWN_CUSTOMER, 'closed@example.com', new Date('2026-01-02T00:00:02.000Z')),
      keepRenewal(UNKNOWN_CUSTOMER, RENEWAL, null),
      keepCardSession(UNKNOWN_CUSTOMER, CARD_SESSION, null),
    ]);
    await documents(table).send(
      new PutCommand({ TableName: table.name, Item: doublePayment('pi_second', 3) }),
    );
    const charges = [
      { kind: 'order', customer_id: UNKNOWN_CUSTOMER, id: null, state: 'ordering', attempt: 1 },
      { kind: 'renewal', customer_id: UNKNOWN_CUSTOMER, id: 'in_1', state: 'paying', amount_cents: 59_900 },
      { kind: 'closing', customer_id: UNKNOWN_CUSTOMER, id: null, state: 'to be cleared' },
      { kind: 'card_session', customer_id: UNKNOWN_CUSTOMER, id: 'cs_1', state: 'to be put on file' },
      { kind: 'double_payment', customer_id: UNKNOWN_CUSTOMER, id: 'pi_second', amount_cents: 2900 },
    ];
    const parked = { kind: 'event', customer_id: null, id: 'evt_parked', state: 'parked' };
    expect((await json('charges', 'pending')).answer).toMatchObject({ charges });
    const { answer } = await json('work', 'list');
    expect(answer).toMatchObject({ work: [...charges, parked] });
    expect((await lines('work', 'list')).shown).toContainEqual(
      expect.stringMatching(/event evt_parked +parked/),
    );
    const left = [
      keys.event('evt_parked'),
      keys.order(UNKNOWN_CUSTOMER),
      keys.renewal(UNKNOWN_CUSTOMER),
      keys.cardSession(UNKNOWN_CUSTOMER),
      keys.closing(UNKNOWN_CUSTOMER),
    ];
    for (const key of [...left, keys.once(UNKNOWN_CUSTOMER, 'double_payment', 'pi_second')])
      await deleteItem(key);
    expect((await lines('work', 'settle', '--now')).shown).toEqual(['Nothing to settle.']);
  });

  it('all open work is listed and counted, even 250 items', async () => {
    const open = range(1, 250).map((n) => doublePayment(`pi_${n}`, n));
    for (const Item of open) await documents(table).send(new PutCommand({ TableName: table.name, Item }));
    const Charges = z.array(z.object({ id: z.string() }));
    const { answer } = await json('charges', 'pending');
    expect(Charges.parse(answer['charges']).map(({ id }) => id)).toEqual(range(1, 250).map((n) => `pi_${n}`));
    expect((await lines('charges', 'pending')).shown.at(-1)).toBe('250 items open.');
    for (const { pk, sk } of open) await deleteItem({ pk, sk });
  });
});
