import type { CustomerHead } from '../customer.ts';
import type { Notice } from '../notice.ts';
import type { CardNoticeContent } from './card-content.ts';

/**
 * The card on file was added, replaced or removed. Null if it is the same card. A bonus has a notice even if
 * an event has already put the card on file.
 */
export function cardChanged(
  { customerId, paymentMethodId: before, revision }: CustomerHead,
  after: string | null,
  at: Date,
  bonusCredits = 0,
): Notice | null {
  const content = contentOf(before, after, bonusCredits);
  if (content === null) return null;
  return {
    customerId,
    // Each change of the head has its own revision, so the id is unique.
    id: `${after ?? before}-${revision}`,
    createdAt: at.toISOString(),
    content,
  };
}

function contentOf(
  before: string | null,
  after: string | null,
  bonusCredits: number,
): CardNoticeContent | null {
  if (bonusCredits > 0) return { kind: 'card_added', bonusCredits };
  if (before === after) return null;
  if (after === null) return { kind: 'card_removed' };
  return before === null ? { kind: 'card_added', bonusCredits } : { kind: 'card_replaced' };
}
