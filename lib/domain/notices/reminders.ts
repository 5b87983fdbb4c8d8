import type { CustomerHead } from '../customer.ts';
import type { Notice } from '../notice.ts';
import { endOfPro, type Subscription } from '../subscription.ts';

/*
 * Letters before a date: the Pro rate of an unpaid subscription ends soon, or a card expires soon. They are
 * scheduled when their reason is stored, and sent if the reason still holds when their time comes.
 */

const DAY_MS = 24 * 60 * 60 * 1000;
const GRACE_REMINDER_DAYS = 3;
const CARD_REMINDER_DAYS = 14;

/** What the reminders depend on. */
type Facts = Pick<CustomerHead, 'subscription' | 'paymentMethodId' | 'cardExpires'>;

export interface Reminder {
  readonly notice: Notice;
  readonly sendAt: Date;
}

/** The reminders that a change of the head adds. Those of the head before are scheduled already. */
export function newReminders(
  before: Facts & Pick<CustomerHead, 'customerId'>,
  after: Facts,
  at: Date,
): readonly Reminder[] {
  const known = new Set(remindersOf(before.customerId, before, at).map(labelOf));
  return remindersOf(before.customerId, after, at).filter((one) => !known.has(labelOf(one)));
}

/** Whether the reason of a scheduled notice still holds. */
export const isStillTrue = (head: CustomerHead, notice: Notice, at: Date): boolean =>
  head.closedAt === null &&
  remindersOf(head.customerId, head, at).some((one) => labelOf(one) === labelOf({ notice }));

const labelOf = ({ notice: { id, content } }: Pick<Reminder, 'notice'>): string => `${content.kind}#${id}`;

function remindersOf(customerId: string, facts: Facts, at: Date): readonly Reminder[] {
  const createdAt = at.toISOString();
  const { paymentMethodId, cardExpires } = facts;
  const reminders: Reminder[] = [];
  const rateEnds = endOfGrace(facts.subscription);
  if (rateEnds !== null && facts.subscription !== null && rateEnds > at.getTime()) {
    const rateEndsAt = new Date(rateEnds).toISOString();
    reminders.push({
      notice: {
        customerId,
        id: `${facts.subscription.id}-${rateEndsAt.slice(0, 10)}`,
        createdAt,
        content: { kind: 'grace_ending', rateEndsAt },
      },
      sendAt: new Date(rateEnds - GRACE_REMINDER_DAYS * DAY_MS),
    });
  }
  const over = cardExpires === null ? null : endOfMonth(cardExpires);
  if (paymentMethodId !== null && cardExpires !== null && over !== null && over > at.getTime()) {
    reminders.push({
      notice: {
        customerId,
        id: `${paymentMethodId}-${cardExpires}`,
        createdAt,
        content: { kind: 'card_expiring', lastDay: new Date(over - DAY_MS).toISOString() },
      },
      sendAt: new Date(over - CARD_REMINDER_DAYS * DAY_MS),
    });
  }
  return reminders;
}

/** When grace ends. Null unless the subscription is unpaid, still collected by Stripe, and not cancelled. */
const endOfGrace = (subscription: Subscription | null): number | null =>
  subscription?.state === 'past_due' && subscription.collects && !subscription.cancelAtPeriodEnd
    ? endOfPro(subscription)
    : null;

/** The end of a month such as 2027-01, in UTC milliseconds; null if the text is no month. */
function endOfMonth(month: string): number | null {
  const [year = 0, number = 0] = month.split('-').map(Number);
  const end = Date.UTC(year, number, 1);
  return Number.isNaN(end) ? null : end;
}
