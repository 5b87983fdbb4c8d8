import * as z from 'zod/mini';
import { OPTIONAL_NOTICE_KINDS, type OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import { keys } from '../keys.ts';
import { record, text } from '../record.ts';
import type { Item, Write } from '../table.ts';
import { put } from '../write.ts';

/*
 * Links that turn off one kind of notice, stored by the hashes of their tokens. Each letter gets a new link,
 * because the token of an earlier one cannot be read back.
 */

const Stored = z.object({ kind: z.enum(OPTIONAL_NOTICE_KINDS), validUntil: text });
const links = record<Readonly<z.output<typeof Stored>>>(Stored);

/** A link to be stored. */
export interface NewUnsubscribeLink {
  readonly customerId: string;
  readonly tokenId: string;
  readonly kind: OptionalNoticeKind;
  readonly validUntil: Date;
}

/** Stores a link. It needs no condition: tokens are random, and a link can be used more than once. */
export const putUnsubscribeLink = ({ customerId, tokenId, kind, validUntil }: NewUnsubscribeLink): Write =>
  put({
    ...keys.unsubscribe(customerId, tokenId),
    ...links.encode({ kind, validUntil: validUntil.toISOString() }),
    expires_at: Math.ceil(validUntil.getTime() / 1_000),
  });

/** The kind that a link turns off; null if there is no link, or it has expired. @throws UnreadableItem */
export function unsubscribedKind(item: Item | undefined, now: Date): OptionalNoticeKind | null {
  if (item === undefined) return null;
  const { kind, validUntil } = links.decode(item);
  return validUntil > now.toISOString() ? kind : null;
}
