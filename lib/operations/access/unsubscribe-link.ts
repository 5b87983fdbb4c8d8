import { formatToken, tokenIdOf, UNSUBSCRIBE_DAYS } from '../../domain/access/tokens.ts';
import type { OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import type { Deps } from '../../runtime/deps.ts';
import { putUnsubscribeLink } from '../../store/access/unsubscribe.ts';
import type { Write } from '../../store/table.ts';

/* Only makes links. Using one changes the head: that is in unsubscribe.ts, which delivery does not load. */

const DAY_MS = 24 * 60 * 60 * 1000;

/** A link that turns a kind of letter off for 90 days, and the write that stores its hash. */
export function newUnsubscribeLink(
  deps: Pick<Deps, 'now' | 'randomBytes'>,
  customerId: string,
  kind: OptionalNoticeKind,
): { readonly token: string; readonly write: Write } {
  const token = formatToken(customerId, deps.randomBytes(32));
  const validUntil = new Date(deps.now().getTime() + UNSUBSCRIBE_DAYS * DAY_MS);
  const tokenId = tokenIdOf('unsubscribe', token);
  return { token, write: putUnsubscribeLink({ customerId, tokenId, kind, validUntil }) };
}

/** The page of an unsubscribe link. It shows a button; a mail program posts without showing the page. */
export const unsubscribeUrl = (apiUrl: string, token: string): string =>
  `${apiUrl}/billing/unsubscribe?link=${encodeURIComponent(token)}`;
