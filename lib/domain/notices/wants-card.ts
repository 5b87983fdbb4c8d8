import type { NoticeContent } from '../notice.ts';

/** Whether adding a card is what helps the reader of a notice. Its letter then has a link that does that. */
export function wantsCard(content: NoticeContent): boolean {
  switch (content.kind) {
    case 'low_balance':
    case 'exhausted':
      return !content.hasCard || content.isDeclined;
    case 'fix_blocked':
      return content.reason === 'no_billing_info';
    case 'card_declined':
      return content.declineCode !== 'authentication_required';
    case 'card_removed':
    case 'card_expiring':
      return true;
    default:
      return false;
  }
}
