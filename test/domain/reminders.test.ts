import { describe, expect, it } from 'vitest';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import { isStillTrue, newReminders, type Reminder } from '../../lib/domain/notices/reminders.ts';
import type { SubscriptionState } from '../../lib/domain/subscription.ts';
import { headWith, proUntil } from '../support/heads.ts';

const createdAt = '2026-01-02T00:00:00.000Z';
const AT = new Date(createdAt);
const subscription = (state: SubscriptionState) => proUntil('2026-02-01T00:00:00.000Z', { state });

describe('a reminder', () => {
  const customer = { customerId: 'c1', subscription: null, paymentMethodId: null, cardExpires: null };
  const unpaid = { ...customer, subscription: subscription('past_due') };
  const withCard = { ...customer, paymentMethodId: 'pm_1', cardExpires: '2026-02' };

  it('the end of the grace is announced 3 days before, when the subscription becomes unpaid', () => {
    const [reminder, ...others] = newReminders(customer, unpaid, AT);
    expect(others).toEqual([]);
    expect(reminder?.sendAt).toEqual(new Date('2026-02-19T00:00:00.000Z'));
    expect(reminder?.notice).toMatchObject({
      id: 'sub_1-2026-02-22',
      content: { kind: 'grace_ending', rateEndsAt: '2026-02-22T00:00:00.000Z' },
    });
    expect(newReminders(unpaid, unpaid, AT)).toEqual([]);
    expect(newReminders(customer, { ...customer, subscription: subscription('active') }, AT)).toEqual([]);
  });

  it('the end of a card is announced 14 days before its last month is over', () => {
    const [reminder] = newReminders(customer, withCard, AT);
    expect(reminder?.sendAt).toEqual(new Date('2026-02-15T00:00:00.000Z'));
    expect(reminder?.notice).toMatchObject({
      id: 'pm_1-2026-02',
      content: { kind: 'card_expiring', lastDay: '2026-02-28T00:00:00.000Z' },
    });
    expect(newReminders(withCard, withCard, AT)).toEqual([]);
    expect(newReminders(customer, { ...withCard, cardExpires: '2025-12' }, AT)).toEqual([]);
    expect(newReminders(customer, { ...withCard, cardExpires: 'unknown' }, AT)).toEqual([]);
  });

  it('a reminder is sent only if its reason still holds', () => {
    const [grace] = newReminders(customer, unpaid, AT);
    const [card] = newReminders(customer, withCard, AT);
    if (grace === undefined || card === undefined) throw new Error('no reminders');
    const holds = (facts: Partial<CustomerHead>, { notice }: Reminder) =>
      isStillTrue(headWith(facts), notice, AT);
    expect(holds({ subscription: unpaid.subscription }, grace)).toBe(true);
    expect(holds({ subscription: subscription('active') }, grace)).toBe(false);
    const onFile = { paymentMethodId: 'pm_1', cardExpires: '2026-02' };
    expect(holds(onFile, card)).toBe(true);
    expect(holds({ ...onFile, cardExpires: '2030-02' }, card)).toBe(false);
    expect(holds({ ...onFile, paymentMethodId: 'pm_2' }, card)).toBe(false);
    expect(holds({ ...onFile, closedAt: createdAt }, card)).toBe(false);
  });

  it('the end of the Pro rate or of a card is announced only before it', () => {
    const both = { ...unpaid, ...withCard, subscription: unpaid.subscription };
    const kindsAt = (at: string) =>
      newReminders(customer, both, new Date(at)).map(({ notice }) => notice.content.kind);
    expect(kindsAt('2026-02-21T23:59:59.999Z')).toEqual(['grace_ending', 'card_expiring']);
    expect(kindsAt('2026-02-22T00:00:00.000Z')).toEqual(['card_expiring']);
    expect(kindsAt('2026-02-28T23:59:59.999Z')).toEqual(['card_expiring']);
    expect(kindsAt('2026-03-01T00:00:00.000Z')).toEqual([]);
    expect(kindsAt('2026-03-02T00:00:00.000Z')).toEqual([]);
  });

  it('the end of a card is announced only for a card on file', () => {
    expect(newReminders(customer, { ...withCard, paymentMethodId: null }, AT)).toEqual([]);
  });
});
