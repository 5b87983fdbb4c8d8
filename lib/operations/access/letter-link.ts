import { formatToken, LETTER_DAYS, parseToken, tokenIdOf } from '../../domain/access/tokens.ts';
import type { LetterTask } from '../../domain/notices/letter-task.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type LetterLink, putLetterLink, readLetterLink } from '../../store/access/letter-links.ts';
import { retryContended } from '../ledger/retry-contended.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Makes a letter's link: it works for 7 days, for one task only, shows no account data and signs no one in.
 * Each call makes another link.
 * @param apiUrl the address of our own pages
 * @returns null if the account is closed
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function letterLinkFor(
  deps: Deps,
  customerId: string,
  purpose: LetterTask,
  apiUrl: string,
): Promise<string | null> {
  const token = formatToken(customerId, deps.randomBytes(32));
  const at = deps.now();
  const validUntil = new Date(at.getTime() + LETTER_DAYS * DAY_MS);
  const link = { customerId, tokenId: tokenIdOf('letter', token), at, validUntil };
  const result = await retryContended(deps, () => putLetterLink(deps.table, link, purpose));
  return result.kind === 'closed' ? null : `${apiUrl}/billing/letter?link=${encodeURIComponent(token)}`;
}

/** A valid link: its customer, its id and its one task. */
export interface OpenedLink extends LetterLink {
  readonly customerId: string;
  readonly linkId: string;
}

/** @throws BillingError link_not_valid, ledger_unavailable */
export async function openLetterLink(deps: Deps, presented: string): Promise<OpenedLink> {
  const parsed = parseToken('letter', presented);
  const link =
    parsed === null ? null : await readLetterLink(deps.table, parsed.customerId, parsed.tokenId, deps.now());
  if (parsed === null || link === null) {
    const detail = 'This link has expired. Sign in to your billing page instead: /billing/sign-in.';
    throw new BillingError('link_not_valid', detail);
  }
  return { ...link, customerId: parsed.customerId, linkId: parsed.tokenId };
}
