import { monthOf } from '../../../domain/payments/spending.ts';
import { parseMonth } from '../../../domain/statement/months.ts';
import { BillingError } from '../../../errors.ts';
import type { DownloadCursor } from '../../../operations/statement/read-download.ts';
import { DOWNLOAD_PARTS, isWithin } from '../../../store/statement/download.ts';
import { decodeCursor } from '../../cursor.ts';

/* The query parameters of the statement and of the download. */

/** @throws BillingError invalid_request */
export function monthIn(query: URLSearchParams, at: Date): string {
  const sent = query.get('month');
  if (sent === null) return monthOf(at);
  return parseMonth(sent) ?? refuse('month', 'must be a month such as 2026-11');
}

/** The page shows only entries before this one; null for the newest. @throws BillingError invalid_request */
export function beforeIn(query: URLSearchParams): number | null {
  const sent = query.get('before');
  return sent === null ? null : decodeCursor(sent);
}

/** The number of the file, counted from 1. @throws BillingError invalid_request */
export function partIn(query: URLSearchParams): number {
  const sent = query.get('part') ?? '1';
  return /^[1-9]\d{0,5}$/.test(sent) ? Number(sent) : refuse('part', 'must be a number from 1');
}

/** Where a download continues; without a query, its beginning. @throws BillingError invalid_request */
export function downloadFrom(query: URLSearchParams): DownloadCursor {
  const name = query.get('list');
  const after = query.get('after');
  const part = name === null ? DOWNLOAD_PARTS[0] : DOWNLOAD_PARTS.find((one) => one === name);
  if (part === undefined || (after !== null && !isWithin(part, after)))
    return refuse('list', 'does not come from a download: begin again at /billing/account.json');
  return { part, after };
}

/** @throws BillingError invalid_request */
export function refuse(field: string, message: string): never {
  const name = field.charAt(0).toUpperCase() + field.slice(1);
  throw new BillingError('invalid_request', `${name} ${message}.`, { errors: [{ field, message }] });
}
