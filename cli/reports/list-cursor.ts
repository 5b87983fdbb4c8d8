import { ListPosition } from '../../lib/store/audit/survey.ts';

/** Where a page of customers ended, as text that is passed on and never built. */
export const encodeListCursor = (position: ListPosition): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** Null for anything that `encodeListCursor` did not make. */
export function decodeListCursor(cursor: string): ListPosition | null {
  try {
    const parsed = ListPosition.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
