/** A card on file, as its owner knows it. Read from Stripe at each view, never stored. */
export interface CardDetails {
  readonly paymentMethodId: string;
  /** Stripe's word for the brand, such as `visa`. */
  readonly brand: string;
  readonly last4: string;
  /** From 1 to 12. */
  readonly expMonth: number;
  readonly expYear: number;
  /** When the card was entered, by Stripe's clock, in whole seconds. */
  readonly createdAt: Date;
}

const SOON_DAYS = 60;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A card works until the end of its last month. */
const endOf = ({ expMonth, expYear }: CardDetails): number => Date.UTC(expYear, expMonth, 1);

export type Expiry = 'valid' | 'soon' | 'expired';

/** Whether a card has expired, or expires within 60 days. */
export function expiryAt(card: CardDetails, at: Date): Expiry {
  const leftMs = endOf(card) - at.getTime();
  if (leftMs <= 0) return 'expired';
  return leftMs <= SOON_DAYS * DAY_MS ? 'soon' : 'valid';
}
