/**
 * What is known about a customer's e-mail address. `unconfirmed`: anyone may have signed up with it.
 * `assumed`: an earlier release signed the customer up and asked for no confirmation. `confirmed`: a link
 * that was mailed to the address was used.
 */
export const EMAIL_STATES = ['unconfirmed', 'assumed', 'confirmed'] as const;
export type EmailState = (typeof EMAIL_STATES)[number];

interface Addressed {
  readonly emailState: EmailState;
}

/** Whether letters to the address need no caution: its owner is, or seems to be, the customer. */
export const isAddressConfirmed = ({ emailState }: Addressed): boolean => emailState !== 'unconfirmed';

/** Whether the customer's keys can be replaced through the address: only a used link proves its owner. */
export const mayRecover = ({ emailState }: Addressed): boolean => emailState === 'confirmed';
