import { formatUsd } from '../domain/pricing.ts';
import { longDay } from './day.ts';
import type { Content, Letter, Link, Sending } from './letter.ts';
import { buttonTo } from './places.ts';

/* Letters about the spending limit of a month. */

const SCOPE = 'The limit covers charges for fixes. Subscriptions and renewals do not count.';
const limitButton = (sending: Sending): Link => buttonTo('limit', 'Change the limit', sending);

export function limitNear(content: Content<'limit_near'>, day: string, sending: Sending): Letter {
  const { percent, limitCents, committedCents, renewsAt } = content;
  return {
    subject: `${percent} % of your RSOLV spending limit is used`,
    paragraphs: [
      `As of ${day}, this month's charges for fixes add up to ${formatUsd(committedCents)} of your ` +
        `${formatUsd(limitCents)} limit.`,
      'Once the limit is reached, fixes without a credit are not billed until ' +
        `${renewalDay(renewsAt)}. ${SCOPE}`,
    ],
    next: 'No action needed. You can change the limit at any time.',
    button: limitButton(sending),
  };
}

export function limitReached(content: Content<'limit_reached'>, day: string, sending: Sending): Letter {
  const { limitCents, committedCents, renewsAt } = content;
  return {
    subject: 'Your RSOLV spending limit is reached',
    paragraphs: [
      `As of ${day}, this month's charges for fixes add up to ${formatUsd(committedCents)}. Your limit is ` +
        `${formatUsd(limitCents)}, which leaves no room for another fix.`,
      `Until ${renewalDay(renewsAt)}, your card is not charged for fixes. You can still spend credits. ` +
        SCOPE,
    ],
    next: 'To have fixes billed before that day, raise the limit.',
    button: limitButton(sending),
  };
}

export function limitChanged(content: Content<'limit_changed'>, day: string, sending: Sending): Letter {
  const { fromCents, toCents } = content;
  return {
    subject: 'Your RSOLV spending limit has changed',
    paragraphs: [
      `On ${day} your monthly limit changed from ${limitText(fromCents)} to ${limitText(toCents)}.`,
      toCents === 0
        ? 'From now on, your card is never charged for a fix. Fixes without a credit are not billed.'
        : 'The new limit applies to the next charge. Charges that already began are completed.',
      SCOPE,
    ],
    next: 'If you did not expect this, revoke the API keys you do not know and reply to this message.',
    button: limitButton(sending),
  };
}

const limitText = (cents: number | null): string => (cents === null ? 'no limit' : formatUsd(cents));

const renewalDay = (renewsAt: string): string => longDay(new Date(renewsAt));
