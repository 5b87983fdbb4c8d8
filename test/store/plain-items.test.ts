import { beforeAll, describe, expect, it } from 'vitest';
import type { BilledFacts } from '../../lib/domain/fix-attempt.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import {
  decodeEvent,
  type EventRecord,
  parkedEvents,
  readEventRecord,
  recordEvent,
} from '../../lib/store/events.ts';
import {
  announceCharge,
  billChargedFix,
  billFix,
  decodeFix,
  endCharge,
  putNewFix,
  readOpenCharges,
} from '../../lib/store/fix-attempts.ts';
import { decodeBonusCard, spendCardBonus } from '../../lib/store/guards.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { putNotice } from '../../lib/store/notices.ts';
import { claimEmail, findByEmail, forgetEmail } from '../../lib/store/owners.ts';
import { UnreadableItem } from '../../lib/store/record.ts';
import { readTogether, type Write, writeTogether } from '../../lib/store/table.ts';
import { put } from '../../lib/store/write.ts';
import { chargeOf } from '../support/heads.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/* What single items contain, and when they expire. */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const at = (ms: number): Date => new Date(AT.getTime() + ms);
const write = async (...items: Write[]) => (await writeTogether(deps.table, items)).kind;

async function read(key: Key) {
  const [item] = await readTogether(deps.table, [key]);
  return item;
}

function itemOf(put: Write) {
  if (!('Put' in put)) throw new Error('this write puts no item');
  return put.Put.Item ?? {};
}

describe('a webhook event', () => {
  const event = (eventId: string, outcome: EventRecord['outcome']): EventRecord => ({
    eventId,
    type: 'invoice.paid',
    outcome,
    reason: 'why',
    customerId: null,
    objectId: 'in_1',
    amount: 59_900,
    currency: 'usd',
    createdAt: at(-1_000).toISOString(),
    receivedAt: AT.toISOString(),
  });

  async function parkedIds(until: Date): Promise<string[]> {
    const found: string[] = [];
    for await (const parked of parkedEvents(deps.table, until)) {
      found.push(parked instanceof UnreadableItem ? parked.key.pk : parked.eventId);
    }
    return found;
  }

  it('a finished webhook event expires after 90 days, and a parked one is due and kept', async () => {
    await write(recordEvent(event('evt_done', 'processed')));
    await write(recordEvent(event('evt_waits', 'parked')));
    const done = await read(keys.event('evt_done'));
    expect(done).toMatchObject({ expires_at: Math.floor(AT.getTime() / 1000) + 90 * 24 * 60 * 60 });
    expect(done).not.toHaveProperty('due');
    const waits = await read(keys.event('evt_waits'));
    expect(waits).toMatchObject({ due: 'parked', due_at: AT.toISOString() });
    expect(waits).not.toHaveProperty('expires_at');
    expect(waits && decodeEvent(waits)).toEqual(event('evt_waits', 'parked'));
    expect(await readEventRecord(deps.table, 'evt_done')).toEqual(event('evt_done', 'processed'));
    expect(await readEventRecord(deps.table, 'evt_never')).toBeNull();
  });

  it('a parked event is stored again with its outcome, and then never again', async () => {
    await write(recordEvent(event('evt_moves', 'parked')));
    expect(await write(recordEvent(event('evt_moves', 'processed')))).toBe('written');
    expect(await write(recordEvent(event('evt_moves', 'ignored')))).toBe('refused');
    expect(await readEventRecord(deps.table, 'evt_moves')).toMatchObject({ outcome: 'processed' });
  });

  it('an event is listed as parked while it is parked or unreadable', async () => {
    const odd = { ...keys.event('evt_odd'), outcome: 7, due: 'parked', due_at: at(1).toISOString() };
    // As the index names an event that was just applied.
    const late = recordEvent(event('evt_late', 'parked'));
    await write(put(odd));
    await write(put({ ...itemOf(late), outcome: 'processed' }));
    await write(recordEvent({ ...event('evt_parked', 'parked'), receivedAt: at(2).toISOString() }));
    const ids = await parkedIds(at(2));
    expect(ids).toEqual(expect.arrayContaining([keys.event('evt_odd').pk, 'evt_parked']));
    expect(ids).not.toContain('evt_late');
    expect(await parkedIds(at(1))).not.toContain('evt_parked');
  });
});

describe('a fix attempt', () => {
  const customerId = 'a'.repeat(32);
  const BILLED: BilledFacts = {
    outcome: 'charged_and_consumed',
    amountCents: 2_900,
    billedAt: AT.toISOString(),
    seq: 3,
    paymentIntentId: 'pi_1',
    spendingMonth: null,
  };
  const newFix = (id: string, owner = customerId) =>
    putNewFix(deps.table, owner, {
      id,
      githubOrg: 'acme',
      repoName: 'api',
      prNumber: 1,
      prTitle: 'title',
      prUrl: 'https://github.com/acme/api/pull/1',
      issueNumber: null,
      issueTitle: null,
      issueUrl: null,
      vulnerabilityId: null,
      metadataJson: null,
      createdAt: AT.toISOString(),
    });

  it('a fix that was billed in between is not billed again by its own charge', async () => {
    await newFix('twice');
    const charge = chargeOf({ startedAt: AT.toISOString() });
    await write(announceCharge(customerId, { id: 'twice', charge: null }, charge));
    expect(await write(billFix(customerId, { id: 'twice', charge }, BILLED))).toBe('written');
    expect(await write(billChargedFix(customerId, { id: 'twice', charge }, BILLED, 1))).toBe('refused');
  });

  it('a fix that is billed by its own charge ends that charge, and leaves a later one in flight', async () => {
    const [first, second] = [1, 2].map((attempt) => chargeOf({ attempt, startedAt: AT.toISOString() }));
    if (first === undefined || second === undefined) throw new Error('two charges were made');
    for (const [id, charge, state] of [
      ['own', first, 'closed'],
      ['later', second, 'charging'],
    ] as const) {
      await newFix(id);
      await write(announceCharge(customerId, { id, charge: null }, charge));
      expect(await write(billChargedFix(customerId, { id, charge }, BILLED, 1))).toBe('written');
      const stored = await read(keys.fix(customerId, id));
      expect(stored && decodeFix(stored).charge).toMatchObject({ state });
      expect(stored?.['due']).toBe(state === 'charging' ? 'charge' : undefined);
    }
  });

  it('a fix is among the open charges while its charge waits for Stripe or the cardholder, or is unreadable', async () => {
    const owner = 'b'.repeat(32);
    const charge = chargeOf({ startedAt: AT.toISOString() });
    await newFix('uncharged', owner);
    await write(put({ ...keys.fix(owner, 'odd'), charge: 7 }));
    for (const state of ['charging', 'action_required', 'declined', 'closed'] as const) {
      await newFix(state, owner);
      await write(announceCharge(owner, { id: state, charge: null }, charge));
      if (state !== 'charging') await write(endCharge(owner, { id: state, charge }, { ...charge, state }));
    }
    const open = await readOpenCharges(deps.table, owner);
    const names = open.map((fix) => (fix instanceof UnreadableItem ? fix.key.sk : fix.id));
    expect(names.sort()).toEqual([keys.fix(owner, 'odd').sk, 'action_required', 'charging'].sort());
  });
});

describe('who something belongs to', () => {
  it('a bonus card is stored with the customer and with the card', () => {
    const [bonus, card] = spendCardBonus('c1', 'fp_1').map(itemOf);
    expect(bonus).toEqual({ ...keys.once('c1', 'card_bonus', 'first'), card_fingerprint: 'fp_1' });
    expect(card).toEqual({ ...keys.card('fp_1'), customer_id: 'c1' });
    expect(bonus && decodeBonusCard(bonus)).toBe('fp_1');
  });

  it('an address is claimed by one customer, and released only by that customer', async () => {
    expect(await write(claimEmail('a@example.com', 'c1'))).toBe('written');
    expect(await write(claimEmail('A@example.com', 'c2'))).toBe('refused');
    expect(await write(forgetEmail('a@example.com', 'c2'))).toBe('refused');
    expect(await findByEmail(deps.table, 'a@example.com')).toBe('c1');
    expect(await write(forgetEmail('a@example.com', 'c1'))).toBe('written');
    expect(await findByEmail(deps.table, 'a@example.com')).toBeNull();
  });

  it('a notice is stored under its own name, because sk belongs to the key', () => {
    const notice = { customerId: 'c1', id: 'n1', createdAt: AT.toISOString() };
    const stored = itemOf(
      putNotice({ ...notice, content: { kind: 'dispute', disputeId: 'n1', amountCents: 1 } }),
    );
    expect(stored).toMatchObject({ notice_id: 'n1', customer_id: 'c1' });
    expect(stored).not.toHaveProperty('id');
  });
});
