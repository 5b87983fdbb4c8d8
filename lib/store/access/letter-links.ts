import * as z from 'zod/mini';
import type { LetterTask } from '../../domain/notices/letter-task.ts';
import { CONDITIONS } from '../conditions.ts';
import { keys } from '../keys.ts';
import { record, text } from '../record.ts';
import { answerTo, readOne, type Table, writeTogether } from '../table.ts';
import { put } from '../write.ts';
import { expiry, type LinkResult, mustBeOpen, type NewAccess } from './tokens.ts';

/* The links of letters, each for one task. Stored by the hashes of their tokens. */

const Purpose = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('add_card') }),
  z.object({ kind: z.literal('pay_invoice'), invoiceId: text }),
]);
const Link = z.object({ createdAt: text, validUntil: text, purpose: Purpose });
export type LetterLink = Readonly<z.output<typeof Link>>;

const links = record<z.output<typeof Link>>(Link);

/** Stores a letter's link, unless the account is closed. Idempotent. */
export async function putLetterLink(
  table: Table,
  { customerId, tokenId, at, validUntil }: NewAccess,
  purpose: LetterTask,
): Promise<LinkResult> {
  const link = { createdAt: at.toISOString(), validUntil: validUntil.toISOString(), purpose };
  const item = { ...keys.letterLink(customerId, tokenId), ...links.encode(link), ...expiry(validUntil) };
  const result = await writeTogether(table, [put(item, CONDITIONS.LINK_IS_NEW), mustBeOpen(customerId)]);
  return answerTo<LinkResult>(result, { kind: 'stored' }, ({ failed: [isThere] }) => ({
    // Tokens are random, so an earlier try of this call stored the link.
    kind: isThere ? 'stored' : 'closed',
  }));
}

/** Null if there is no such link, or its time is over. @throws UnreadableItem */
export async function readLetterLink(
  table: Table,
  customerId: string,
  linkId: string,
  now: Date,
): Promise<LetterLink | null> {
  const link = await readOne(table, keys.letterLink(customerId, linkId), (item) => links.decode(item));
  return link !== null && link.validUntil > now.toISOString() ? link : null;
}
