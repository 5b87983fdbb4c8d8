import type { NoticeContent } from '../notice.ts';

/** The only thing that a letter's own link may do: start adding a card, or lead to the page of an invoice. */
export type LetterTask =
  | { readonly kind: 'add_card' }
  | { readonly kind: 'pay_invoice'; readonly invoiceId: string };

/** The task that helps the reader of a notice most. The letter's button does it without signing in. */
export function taskOf(content: NoticeContent): LetterTask | null {
  switch (content.kind) {
    case 'low_balance':
    case 'exhausted':
      return !content.hasCard || content.isDeclined ? ADD_CARD : null;
    case 'fix_blocked':
      return content.reason === 'no_billing_info' ? ADD_CARD : null;
    case 'card_declined':
      return content.declineCode === 'authentication_required' ? null : ADD_CARD;
    case 'card_removed':
    case 'card_expiring':
      return ADD_CARD;
    case 'payment_failed':
    case 'renewal_approval':
      return { kind: 'pay_invoice', invoiceId: content.invoiceId };
    default:
      return null;
  }
}

const ADD_CARD = { kind: 'add_card' } as const;
