import { addressHash } from '../../domain/access/tokens.ts';
import { addressChanged, addressToConfirm } from '../../domain/notices/address-notices.ts';
import { isTestCustomerEmail } from '../../domain/test-customer.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type LinkRecord, usableLink, useLink } from '../../store/access/tokens.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import { claimEmail, decodeOwner, forgetEmail } from '../../store/owners.ts';
import { isDisposable } from '../accounts/disposable-email.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { linkNotValid, newSession, presentedLink, type SignedIn } from './sign-in.ts';

/**
 * Stores a requested new address and mails its owner a link to confirm it. Until the link is used, the
 * customer keeps the old address. A later request replaces this one; a repeat sends another letter.
 * @param email a valid address
 * @throws BillingError email_taken, disposable_email, invalid_request (it is the customer's address already),
 * account_closed, customer_not_found, ledger_busy, ledger_unavailable
 */
export async function askForAddress(deps: Deps, customerId: string, email: string): Promise<void> {
  if (isDisposable(email)) throw new BillingError('disposable_email', 'Use a permanent address.');
  // Accounts at test addresses may be removed without a trace, so no customer can move to one.
  if (isTestCustomerEmail(email)) throw emailTaken();
  const id = Buffer.from(deps.randomBytes(16)).toString('hex');
  await changeLedger<string | null, null>(deps, {
    customerId,
    relatedKeys: [keys.email(email)],
    decodeRelated: ([owner]) => (owner === undefined ? null : decodeOwner(owner)),
    decide: ({ head, related: owner }) => {
      if (head.closedAt !== null) throw accountClosed(customerId);
      if (email === head.email) throw new BillingError('invalid_request', 'This is your address already.');
      if (owner !== null && owner !== customerId) throw emailTaken();
      return {
        kind: 'write',
        profile: { newEmail: email },
        writes: (next, at) => [putNotice(addressToConfirm(next, email, id, at))],
        answer: () => null,
      };
    },
  });
}

/**
 * Withdraws the request for a new address: the mailed link no longer works. Idempotent.
 * @throws BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function keepAddress(deps: Deps, customerId: string): Promise<void> {
  await changeLedger<null, null>(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    decide: ({ head }) =>
      head.newEmail === null
        ? { kind: 'done', answer: null }
        : { kind: 'write', profile: { newEmail: null }, writes: () => [], answer: () => null },
  });
}

interface AddressClaim {
  readonly link: LinkRecord | null;
  /** The customer who has the new address; null if it is free. */
  readonly owner: string | null;
}

/**
 * Changes a customer's address with the link that was mailed to the new one, and signs the customer in. One
 * transaction uses up the link, claims the new address, releases the old one and writes the letter to the old
 * one. A used link is rejected.
 * @throws BillingError link_not_valid, email_taken, account_closed, ledger_busy, ledger_unavailable
 */
export async function confirmAddress(deps: Deps, linkToken: string): Promise<SignedIn> {
  const { customerId, tokenId, first } = await presentedLink(deps, linkToken);
  const { newEmail } = first.head;
  if (newEmail === null) throw linkNotValid();
  const { session, issued } = newSession(deps, customerId);
  await changeLedger<AddressClaim, null>(deps, {
    customerId,
    relatedKeys: [keys.link(customerId, tokenId), keys.email(newEmail)],
    decodeRelated: ([link, owner]) => ({
      link: usableLink(link, deps.now()),
      owner: owner === undefined ? null : decodeOwner(owner),
    }),
    decide: ({ head, related: { link, owner } }) => {
      const { email: earlier } = head;
      if (head.closedAt !== null) throw accountClosed(customerId);
      // Another address may have been asked for since the link was mailed.
      if (link?.mailedTo !== addressHash(newEmail) || head.newEmail !== newEmail) throw linkNotValid();
      if (owner !== null && owner !== customerId) throw emailTaken();
      // The customer owns the address already if only upper and lower case differ.
      const claims =
        owner === null ? [claimEmail(newEmail, customerId), forgetEmail(earlier, customerId)] : [];
      return {
        kind: 'write',
        profile: { email: newEmail, newEmail: null, emailState: 'confirmed' },
        writes: (next, at) => [
          ...useLink(tokenId, session, null),
          ...claims,
          putNotice(addressChanged(next, earlier, at)),
        ],
        answer: () => null,
      };
    },
  });
  deps.report({ kind: 'address_changed', customerId });
  return { ...issued, confirmed: true };
}

const emailTaken = (): BillingError =>
  new BillingError('email_taken', 'Another account has this address. Use another one, or ask support.');
