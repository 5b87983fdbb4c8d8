import { CONFIRM_HOURS } from '../domain/access/tokens.ts';
import type { NoticeContent } from '../domain/notice.ts';
import type { Letter } from './letter.ts';

/* Letters about the address of an account, and about closing the account. */

export function confirmAddress(url: string | undefined, day: string): Letter {
  if (url === undefined) throw new Error('a letter that asks to confirm an address needs its link');
  return {
    subject: 'Confirm this address for RSOLV billing',
    paragraphs: [
      `On ${day} an account of RSOLV asked to use this e-mail address from now on.`,
      `Until you confirm, nothing changes. The button works once, for ${CONFIRM_HOURS} hours.`,
    ],
    next: 'If you did not ask for this, ignore this message. Do not pass the link on: it opens the account.',
    button: { label: 'Confirm this address', url },
  };
}

export function addressChanged(day: string): Letter {
  return {
    subject: 'The address of your RSOLV account has changed',
    paragraphs: [
      `On ${day} the e-mail address of your account was changed, and the new address was confirmed.`,
      'From now on, letters and links to sign in go to the new address. This address gets no more of them.',
    ],
    next: 'If this was not you, reply to this message at once: we will help you to get the account back.',
  };
}

export function closingAsked(
  { credits, hasPro }: Extract<NoticeContent, { readonly kind: 'closing_asked' }>,
  day: string,
): Letter {
  const lost = credits === 0 ? '' : ` The account's ${credits.toLocaleString('en-US')} credits are lost.`;
  return {
    subject: 'You asked to close your RSOLV account',
    paragraphs: [
      `On ${day} you asked us to close your account. Our support does so.`,
      `Closing ends all API keys${hasPro ? ', ends Pro at once' : ''} and deletes your card, name and ` +
        `address.${lost} It cannot be undone.`,
    ],
    next: 'To keep the account, withdraw the request in the settings of the billing page, or reply.',
  };
}
