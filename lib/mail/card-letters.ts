import { longDay } from './day.ts';
import type { Content, Letter, Sending } from './letter.ts';
import { buttonTo, taskButton } from './places.ts';
import { credits } from './words.ts';

/* Letters about the card on file. */

const UNEXPECTED =
  'If you did not expect this, remove the card, revoke the API keys you do not know, and reply.';

export function cardAdded({ bonusCredits }: Content<'card_added'>, day: string, sending: Sending): Letter {
  return {
    subject: 'A card was added to your RSOLV account',
    paragraphs: [
      `On ${day} a card was put on file. It is charged for fixes without a credit, up to your monthly ` +
        'limit if you have one, and for Pro if you subscribe.',
      ...(bonusCredits === 0 ? [] : [`Your first card earned ${credits(bonusCredits)}.`]),
    ],
    next: `No action needed. ${UNEXPECTED}`,
    button: buttonTo('card', 'See the card', sending),
  };
}

export function cardReplaced(day: string, sending: Sending): Letter {
  return {
    subject: 'The card of your RSOLV account was replaced',
    paragraphs: [`On ${day} another card was put on file. From now on, only that card is charged.`],
    next: `No action needed. ${UNEXPECTED}`,
    button: buttonTo('card', 'See the card', sending),
  };
}

export function cardRemoved(day: string, sending: Sending): Letter {
  return {
    subject: 'The card of your RSOLV account was removed',
    paragraphs: [
      `On ${day} the card on file was removed. No card is charged from now on.`,
      'You can still spend your credits. Fixes without a credit are blocked until a card is on file.',
    ],
    next: 'Add a card so that your fixes are not blocked.',
    button: taskButton('card', 'Add a card', sending),
  };
}

export function cardExpiring(content: Content<'card_expiring'>, day: string, sending: Sending): Letter {
  const lastDay = longDay(new Date(content.lastDay));
  return {
    subject: 'The card of your RSOLV account expires soon',
    paragraphs: [
      `As of ${day}, the card on file expires soon: its last day is ${lastDay}.`,
      'After that, fixes without a credit and renewals of Pro cannot be charged to it.',
    ],
    next: 'Replace the card before that day, unless your bank renews it for you.',
    button: taskButton('card', 'Replace the card', sending),
  };
}
