import { CONFIRM_HOURS, LINK_MINUTES, SESSION_MINUTES } from '../domain/access/tokens.ts';
import { type KeyScope, shortKeyId } from '../domain/api-key.ts';
import { GRANTED_CREDITS } from '../domain/pricing.ts';
import type { Content, Letter, Sending } from './letter.ts';
import { buttonTo } from './places.ts';

/* Letters about API keys, and the letter that signs a customer in. */

/** What a key may do, for people. */
const MAY: Readonly<Record<KeyScope, string>> = {
  fixes: 'The key can record, look up and bill fixes, and read usage, and nothing else.',
  account: 'The key can do everything, also buy Pro and revoke other keys.',
};

/** If no other key is left, only support can revoke the new one. */
export function keyIssued(content: Content<'key_issued'>, day: string, sending: Sending): Letter {
  const { keyId, by, scope, replaced, ended } = content;
  const { mailedUrl: url } = sending;
  const button = buttonTo('keys', 'See your API keys', sending);
  const key = `Its id begins with ${shortKeyId(keyId)}; the key itself is never sent by mail.`;
  if (by === 'sign_up') {
    return {
      subject: 'Welcome to RSOLV',
      paragraphs: [
        `Your account was opened on ${day} with ${GRANTED_CREDITS.trial} credits. Each merged fix takes one.`,
        `It has one API key. ${MAY.account} ${key}`,
        'Keep that key for yourself. For RSOLV-action, make another one with the scope "fixes", on the ' +
          'billing page or with POST /api/v1/api-keys and {"scope":"fixes"}.',
        ...(url === undefined ? [] : [CONFIRM]),
      ],
      next: 'If you did not sign up, reply to this message and we will close the account.',
      button: url === undefined ? button : { label: 'Confirm this address', url },
    };
  }
  const who = by === 'operator' ? 'Our support issued' : 'You issued';
  return {
    subject: 'A new API key for your RSOLV account',
    paragraphs: [
      `${who} a new API key for your account on ${day}. ${MAY[scope]} ${key}`,
      ...(replaced === null
        ? []
        : [`It replaces the key whose id begins with ${shortKeyId(replaced)}, which no longer works.`]),
      ...(ended === 0 ? [] : [`${othersEnded(ended)} Use the new key from now on.`]),
    ],
    next:
      replaced === null && ended === 0
        ? 'If you did not expect this, revoke the key at once, on the billing page or with DELETE ' +
          `/api/v1/api-keys/${shortKeyId(keyId)}. Then reply to this message.`
        : 'If you did not expect this, reply to this message at once: we will revoke the key.',
    button,
  };
}

const CONFIRM =
  'Confirm this address, so that you can get new keys should you lose yours. The button works once, for ' +
  `${CONFIRM_HOURS} hours. Later, signing in to the billing page by e-mail confirms the address too.`;

const othersEnded = (count: number): string =>
  count === 1
    ? 'The other key of your account was ended in the same step and no longer works.'
    : `The other ${count} keys of your account were ended in the same step and no longer work.`;

export function keyRevoked({ keyId, by }: Content<'key_revoked'>, day: string, sending: Sending): Letter {
  const who = by === 'operator' ? 'Our support revoked' : 'You revoked';
  return {
    subject: 'An API key of your RSOLV account was revoked',
    paragraphs: [
      `${who} an API key of your account on ${day}. Its id begins with ${shortKeyId(keyId)}.`,
      'The key no longer works. A program that still uses it gets the answer 401.',
    ],
    next: 'If you did not expect this, reply to this message.',
    button: buttonTo('keys', 'See your API keys', sending),
  };
}

export function signIn(day: string, { mailedUrl: url }: Sending): Letter {
  if (url === undefined) throw new Error('a sign-in letter needs its link');
  return {
    subject: 'Sign in to RSOLV billing',
    paragraphs: [
      `On ${day} you asked for a link to your billing page.`,
      `It works once, for ${LINK_MINUTES} minutes. You stay signed in for ${SESSION_MINUTES} minutes.`,
    ],
    next: 'If you did not ask for it, ignore this message. Do not pass the link on: it opens your account.',
    button: { label: 'Sign in', url },
  };
}
