import { CONFIRM_HOURS } from '../domain/access/tokens.ts';
import type { Content, Letter, Sending } from './letter.ts';
import { buttonTo } from './places.ts';
import { credits as creditsText } from './words.ts';

/* Letters about the address of an account, and about closing the account. */

export function confirmAddress(day: string, { mailedUrl: url }: Sending): Letter {
  if (url === undefined) throw new Error('a letter that asks to confirm an address needs its link');
  return {
    subject: 'Confirm this address for RSOLV billing',
    paragraphs: [
      `On ${day} a customer of RSOLV asked to use this e-mail address for their account.`,
      `Until you confirm, nothing changes. The button works once, for ${CONFIRM_HOURS} hours.`,
    ],
    next: 'If you did not ask for this, ignore this message. Do not pass the link on: it opens the account.',
    button: { label: 'Confirm this address', url },
  };
}

/** The reader has no account at this address any more, so the button leads to RSOLV. */
export function addressChanged(day: string, { appUrl }: Sending): Letter {
  return {
    subject: 'The address of your RSOLV account has changed',
    paragraphs: [
      `On ${day} the e-mail address of your account was changed, and the new address was confirmed.`,
      'From now on, letters and links to sign in go to the new address. This address gets no more of them.',
    ],
    next: 'If this was not you, reply to this message at once: we will help you to get the account back.',
    button: { label: 'Open RSOLV', url: appUrl },
  };
}

export function closingAsked(
  { credits, hasPro }: Content<'closing_asked'>,
  day: string,
  sending: Sending,
): Letter {
  const are = credits === 1 ? 'is' : 'are';
  const lost = credits === 0 ? '' : ` The account's ${creditsText(credits)} ${are} lost.`;
  return {
    subject: 'You asked to close your RSOLV account',
    paragraphs: [
      `On ${day} you asked us to close your account. Our support will close it. Until then, it works as ` +
        'before.',
      `Closing ends all API keys${hasPro ? ', ends Pro at once without a refund' : ''} and deletes your ` +
        `card, name and address.${lost} It cannot be undone.`,
    ],
    next: 'To keep the account, withdraw the request in the settings of the billing page, or reply.',
    button: buttonTo('settings', 'Open the settings', sending),
  };
}

/** The account has no page any more, so the button leads to RSOLV. */
export function accountClosed(
  { credits: left }: Content<'account_closed'>,
  day: string,
  { appUrl }: Sending,
): Letter {
  return {
    subject: 'Your RSOLV account is closed',
    paragraphs: [
      `Your account was closed on ${day}. Its API keys no longer work. A subscription has ended, and a ` +
        'card was removed, if there was one.',
      'We delete your name and this address. What you paid stays recorded, without them.',
      ...(left === 0 ? [] : [`You had ${creditsText(left)} left, which can no longer be spent.`]),
    ],
    next: 'If you did not ask for this, reply to this message. You can open a new account at any time.',
    button: { label: 'Open RSOLV', url: appUrl },
  };
}
