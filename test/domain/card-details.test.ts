import { expect, it } from 'vitest';
import { type CardDetails, expiryAt } from '../../lib/domain/cards/card-details.ts';

const CARD: CardDetails = {
  paymentMethodId: 'pm_1',
  brand: 'visa',
  last4: '4242',
  expMonth: 3,
  expYear: 2026,
  createdAt: new Date('2025-01-01T00:00:00.000Z'),
};
/** The last month of this card is December, so it ends with the year. */
const DECEMBER = { ...CARD, expMonth: 12 };

it.each([
  ['valid', 'long before its end', CARD, '2025-03-15T00:00:00.000Z'],
  ['valid', '60 days and 1 ms before its end', CARD, '2026-01-30T23:59:59.999Z'],
  ['soon', '60 days before its end', CARD, '2026-01-31T00:00:00.000Z'],
  ['soon', 'in its last month', CARD, '2026-03-01T00:00:00.000Z'],
  ['soon', '1 ms before its end', CARD, '2026-03-31T23:59:59.999Z'],
  ['expired', 'at its end', CARD, '2026-04-01T00:00:00.000Z'],
  ['expired', 'a year after its end', CARD, '2027-03-01T00:00:00.000Z'],
  ['soon', 'on the last day of the year', DECEMBER, '2026-12-31T12:00:00.000Z'],
  ['expired', 'on the first day of the next year', DECEMBER, '2027-01-01T00:00:00.000Z'],
] as const)('the expiry of a card is "%s" %s', (expiry, _, card, at) => {
  expect(expiryAt(card, new Date(at))).toBe(expiry);
});
