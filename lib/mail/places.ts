import type { Link, Sending } from './letter.ts';

/** Pages of the billing page that letters lead to. */
const PATHS = {
  account: '/billing',
  plan: '/billing/plan',
  card: '/billing/card',
  statement: '/billing/statement',
  documents: '/billing/documents',
  keys: '/billing/keys',
  limit: '/billing/settings#limit',
  settings: '/billing/settings',
  approval: '/billing/approve',
} as const;
type Place = keyof typeof PATHS;

/** A button to a page; after sign-in, the reader is there. */
export const buttonTo = (place: Place, label: string, { apiUrl }: Pick<Sending, 'apiUrl'>): Link => ({
  label,
  url: apiUrl + PATHS[place],
});

/** Puts a card on file or pays an invoice, without signing in if the letter has a link for that. */
export const taskButton = (place: 'card' | 'plan', label: string, sending: Sending): Link =>
  sending.taskUrl === undefined ? buttonTo(place, label, sending) : { label, url: sending.taskUrl };

/** The payment of one fix that waits for the cardholder; all of them if the fix is unknown. */
export const approvalButton = (fixId: string | null, sending: Sending): Link => {
  const { label, url } = buttonTo('approval', 'Confirm the payment', sending);
  return { label, url: fixId === null ? url : `${url}?fix=${encodeURIComponent(fixId)}` };
};
