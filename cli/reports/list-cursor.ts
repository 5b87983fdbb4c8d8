import { ListPosition } from '../../lib/store/audit/survey.ts';

/** The end of a page of customers, as opaque text. */
export const encodeListCursor = (position: ListPosition): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** Null for text that is not from `encodeListCursor`. */
export function decodeListCursor(cursor: string): ListPosition | null {
  try {
    const parsed = ListPosition.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
