import { addressHash } from '../access/tokens.ts';
import type { CustomerHead } from '../customer.ts';
import type { Notice, NoticeContent } from '../notice.ts';

/** Asks the owner of a new address to confirm it. @param id unique, because a request can be repeated */
export const addressToConfirm = (
  { customerId }: Pick<CustomerHead, 'customerId'>,
  newEmail: string,
  id: string,
  at: Date,
): Notice => ({
  customerId,
  id,
  createdAt: at.toISOString(),
  content: { kind: 'confirm_address', addressHash: addressHash(newEmail) },
});

/** Tells the owner of the old address about the change. */
export const addressChanged = (
  { customerId, revision }: Pick<CustomerHead, 'customerId' | 'revision'>,
  earlier: string,
  at: Date,
): Notice => ({
  customerId,
  id: String(revision),
  createdAt: at.toISOString(),
  content: { kind: 'address_changed', to: earlier },
});

/** @param hasPro whether a subscription would end with the account */
export const closingAsked = (
  { customerId, revision, balance }: CustomerHead,
  hasPro: boolean,
  at: Date,
): Notice => ({
  customerId,
  id: String(revision),
  createdAt: at.toISOString(),
  content: { kind: 'closing_asked', credits: balance, hasPro },
});

/**
 * The address that a notice is sent to. Null if the notice is outdated: another address was asked for since
 * then, or the address is no longer known.
 */
export function recipientOf(content: NoticeContent, { email, newEmail }: CustomerHead): string | null {
  switch (content.kind) {
    case 'confirm_address':
      return newEmail !== null && addressHash(newEmail) === content.addressHash ? newEmail : null;
    case 'address_changed':
      return content.to;
    default:
      return email;
  }
}
