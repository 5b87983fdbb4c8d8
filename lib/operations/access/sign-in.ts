import {
  formatToken,
  LINK_MINUTES,
  type PresentedToken,
  parseToken,
  SESSION_MINUTES,
  tokenIdOf,
} from '../../domain/access/tokens.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { endSession, putLink, useLink } from '../../store/access/tokens.ts';
import { writeTogether } from '../../store/table.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { retryContended } from '../ledger/retry-contended.ts';

/** A token that is known only here and to its receiver: the table stores its hash. */
export interface IssuedToken {
  readonly token: string;
  readonly validUntil: Date;
}

const MINUTE_MS = 60_000;

/**
 * Makes a link that signs the customer in once, within 15 minutes. Each call makes another link.
 * @throws BillingError account_closed, ledger_busy, ledger_unavailable
 */
export async function makeSignInLink(deps: Deps, customerId: string): Promise<IssuedToken> {
  const token = formatToken(customerId, deps.randomBytes(32));
  const at = deps.now();
  const validUntil = new Date(at.getTime() + LINK_MINUTES * MINUTE_MS);
  const link = { customerId, tokenId: tokenIdOf('link', token), at, validUntil };
  const result = await retryContended(deps, () => putLink(deps.table, link));
  if (result.kind === 'closed') throw accountClosed(customerId);
  return { token, validUntil };
}

/**
 * Uses a link up and starts a session of 30 minutes. A second use of a link is refused.
 * @throws BillingError link_not_valid, account_closed, ledger_busy, ledger_unavailable
 */
export async function signIn(deps: Deps, linkToken: string): Promise<IssuedToken> {
  const link = parseToken('link', linkToken);
  if (link === null) throw linkNotValid();
  const token = formatToken(link.customerId, deps.randomBytes(32));
  const at = deps.now();
  const validUntil = new Date(at.getTime() + SESSION_MINUTES * MINUTE_MS);
  const session = { customerId: link.customerId, tokenId: tokenIdOf('session', token), at, validUntil };
  const result = await retryContended(deps, () => useLink(deps.table, link.tokenId, session));
  switch (result.kind) {
    case 'started':
      return { token, validUntil };
    case 'refused':
      throw linkNotValid();
    case 'closed':
      throw accountClosed(link.customerId);
    default:
      return result satisfies never;
  }
}

/**
 * Ends a session at once. A repeat changes nothing.
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function signOut(deps: Deps, { customerId, tokenId }: PresentedToken): Promise<void> {
  await retryContended(deps, () => writeTogether(deps.table, [endSession(customerId, tokenId, deps.now())]));
}

/** Where a link leads. The page shows a button: a mail scanner that opens it does not use the link up. */
export const enterUrl = (apiUrl: string, token: string): string =>
  `${apiUrl}/billing/enter?link=${encodeURIComponent(token)}`;

const linkNotValid = (): BillingError =>
  new BillingError(
    'link_not_valid',
    'This link has expired or was used already. Ask for another one: each works once, for 15 minutes.',
  );
