import { formatToken, parseToken, tokenIdOf, UNSUBSCRIBE_DAYS } from '../../domain/access/tokens.ts';
import type { OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { putUnsubscribeLink, unsubscribedKind } from '../../store/access/unsubscribe.ts';
import { keys } from '../../store/keys.ts';
import { readTogether, type Write } from '../../store/table.ts';
import { turnOffNotice } from '../notices/change-settings.ts';

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

/** Where the link of a letter leads. Its page shows a button; a mail program sends the form without it. */
export const unsubscribeUrl = (apiUrl: string, token: string): string =>
  `${apiUrl}/billing/unsubscribe?link=${encodeURIComponent(token)}`;

/**
 * The kind of letter that a link turns off. Changes nothing.
 * @throws BillingError link_not_valid, ledger_unavailable
 */
export async function kindToTurnOff(deps: Deps, token: string): Promise<OptionalNoticeKind> {
  return (await linkOf(deps, token)).kind;
}

/**
 * Turns off the kind of letter that a link names, and returns it. Idempotent.
 * @throws BillingError link_not_valid, ledger_busy, ledger_unavailable
 */
export async function unsubscribe(deps: Deps, token: string): Promise<OptionalNoticeKind> {
  const { customerId, kind } = await linkOf(deps, token);
  await turnOffNotice(deps, customerId, kind);
  return kind;
}

async function linkOf(deps: Deps, token: string) {
  const presented = parseToken('unsubscribe', token);
  if (presented === null) throw notValid();
  const { customerId, tokenId } = presented;
  const [item] = await readTogether(deps.table, [keys.unsubscribe(customerId, tokenId)]);
  const kind = unsubscribedKind(item, deps.now());
  if (kind === null) throw notValid();
  return { customerId, kind };
}

const notValid = (): BillingError =>
  new BillingError(
    'link_not_valid',
    'This link has expired. Use the link of a newer letter, or sign in and turn the letters off there.',
  );
