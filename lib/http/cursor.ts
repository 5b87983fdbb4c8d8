import { BillingError } from '../errors.ts';

/** The end of a page of the statement, as opaque text for clients. */
export function encodeCursor(seq: number): string {
  return Buffer.from(`s${seq}`).toString('base64url');
}

/** @throws BillingError invalid_request for a cursor that `encodeCursor` did not make */
export function decodeCursor(cursor: string): number {
  const seq = /^s([1-9]\d{0,11})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (seq !== undefined) return Number(seq);
  const message = 'is not a cursor of this API';
  throw new BillingError('invalid_request', `Cursor ${message}.`, { errors: [{ field: 'cursor', message }] });
}
