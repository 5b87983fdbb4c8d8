import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { type EventRecord, readEventRecord, recordEvent } from '../../../lib/store/events.ts';
import { type Key, keys } from '../../../lib/store/keys.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import { openService } from '../../support/cli/service.ts';
import { documents } from '../../support/documents.ts';
import { customerWith, range, uniqueEmail } from '../../support/fixtures.ts';
import { parkedOf } from '../../support/parked-events.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, json, lines, money, refusal, setByHand, table } = service;

const deleteItem = ({ pk, sk }: Key) =>
  documents(table).send(new DeleteCommand({ TableName: table.name, Key: { pk, sk } }));

let delivered = 0;
/** Delivers the events that Stripe created since the last call. */
async function deliverNew() {
  const events = money.events();
  await money.deliver(events.slice(delivered));
  delivered = events.length;
}

describe('events', () => {
  /** An applied event whose record is deleted. */
  async function lostEvent() {
    const { head } = await customerWith(deps, 5);
    const { head: withCard } = await addPaymentMethod(deps, head, 'pm_card_visa');
    await money.stripe.paymentMethods.detach(withCard.paymentMethodId ?? '');
    await deliverNew();
    const { data } = await money.stripe.events.list({ type: 'payment_method.detached' });
    const id = data[0]?.id ?? '';
    const record = await readEventRecord(deps.table, id);
    if (record === null) throw new Error(`${id} was not delivered`);
    await deleteItem(keys.event(id));
    return { id, record };
  }

  it('a parked event can be listed, shown and replayed, which applies it once', async () => {
    const { id, record } = await lostEvent();
    await writeTogether(deps.table, [recordEvent({ ...record, outcome: 'parked', reason: 'for a test' })]);

    expect((await json('events', 'list')).answer).toMatchObject({ events: [{ id, reason: 'for a test' }] });
    expect((await lines('events', 'list')).shown.join('\n')).toContain(id);
    expect((await json('events', 'show', id)).answer).toMatchObject({ id, outcome: 'parked' });
    expect(await refusal('events', 'replay', '--parked')).toEqual([2, 'confirmation_needed']);
    expect(await json('events', 'replay', '--parked', '--yes')).toEqual({
      code: 0,
      answer: { events: [{ id, outcome: 'processed', reason: 'applied' }], unreadable: [] },
    });
    expect(await parkedOf(deps.table, deps.now())).toEqual([]);
    const { code, shown } = await lines('events', 'replay', id);
    expect([code, shown[1]]).toEqual([0, `${id}  duplicate  applied`]);
    expect((await lines('events', 'list')).shown).toEqual(['No parked events.']);
    expect((await lines('events', 'show', id)).shown).toContain('outcome      processed');
  });

  it('a replay reports events that stay parked or that Stripe does not have, with exit code 1', async () => {
    // Ours by its metadata, but without a binding in the table.
    const metadata = { customer_id: 'f'.repeat(32) };
    const unbound = await money.stripe.customers.create({ email: uniqueEmail(), metadata });
    await money.stripe.customers.update(unbound.id, { name: 'Ada' });
    await deliverNew();
    const [event] = await parkedOf(deps.table, deps.now());
    if (event === undefined) throw new Error('no event is parked');
    const { code, answer } = await json('events', 'replay', 'evt_nowhere', event.eventId);
    expect(code).toBe(1);
    expect(answer).toMatchObject({
      events: [
        { id: 'evt_nowhere', outcome: 'failed', reason: expect.stringContaining('Stripe has no event') },
        { id: event.eventId, outcome: 'parked', reason: expect.stringContaining('no customer is known') },
      ],
    });
    expect(await refusal('events', 'show', 'evt_nowhere')).toEqual([1, 'event_not_found']);
    await deleteItem(keys.event(event.eventId));
  });

  it('an unreadable event is listed by its key, and all other parked events are replayed', async () => {
    const parked: EventRecord = {
      ...{ eventId: 'evt_sound', type: 'invoice.paid', outcome: 'parked', reason: 'for a test' },
      ...{
        customerId: null,
        objectId: null,
        amount: null,
        currency: null,
        createdAt: '2026-01-02',
        receivedAt: '2026-01-02',
      },
    };
    for (const eventId of ['evt_odd', 'evt_sound'])
      await writeTogether(deps.table, [recordEvent({ ...parked, eventId })]);
    await setByHand(keys.event('evt_odd'), 'outcome', 'secret');
    const unreadable = [{ ...keys.event('evt_odd'), attributes: ['outcome'] }];
    const listed = await json('events', 'list');
    expect(listed).toMatchObject({ code: 0, answer: { events: [{ id: 'evt_sound' }], unreadable } });
    const { shown } = await lines('events', 'list');
    expect(shown.slice(-5)).toEqual([
      ...['EVENT#evt_odd', '  EVENT', '  not readable: outcome'],
      ...['1 event parked.', '1 event not readable.'],
    ]);
    const replayed = await json('events', 'replay', '--parked', '--yes');
    expect(replayed).toMatchObject({
      code: 1,
      answer: { events: [{ id: 'evt_sound', outcome: 'failed' }], unreadable },
    });
    expect(JSON.stringify([listed, shown, replayed])).not.toContain('secret');
    for (const id of ['evt_odd', 'evt_sound']) await deleteItem(keys.event(id));
  });

  it('a new event behind more than 100 that stay parked is applied, and each is replayed once', async () => {
    const { id, record } = await lostEvent();
    const old = range(1, 120).map((n) => `evt_old${n}`);
    const receivedAt = new Date(Date.now() - 86_400_000).toISOString();
    const parked = { ...record, outcome: 'parked', reason: 'for a test' } as const;
    for (const eventId of old)
      await writeTogether(deps.table, [recordEvent({ ...parked, eventId, receivedAt })]);
    await writeTogether(deps.table, [recordEvent(parked)]);

    const Events = z.array(z.object({ id: z.string() }));
    const idsIn = ({ events }: Record<string, unknown>) => Events.parse(events).map((event) => event.id);
    const listed = await json('events', 'list');
    expect(idsIn(listed.answer).toSorted()).toEqual([...old, id].toSorted());
    expect((await lines('events', 'list')).shown.at(-1)).toBe('121 events parked.');
    const { code, answer } = await json('events', 'replay', '--parked', '--yes');
    expect([code, idsIn(answer).toSorted()]).toEqual([1, [...old, id].toSorted()]);
    expect(answer['events']).toContainEqual({ id, outcome: 'processed', reason: 'applied' });
    expect((await lines('events', 'replay', '--parked', '--yes')).shown.slice(-1)).toEqual([
      '120 events not replayed.',
    ]);
    expect((await lines('events', 'replay', id)).shown.at(-1)).toBe('1 event applied or ignored.');
    for (const eventId of old) await deleteItem(keys.event(eventId));
  });
});
