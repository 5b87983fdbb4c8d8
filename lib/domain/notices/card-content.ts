/** The card on file. */
export type CardNoticeContent =
  | {
      readonly kind: 'card_added';
      /** Credits that the card earned; 0 if none. */
      readonly bonusCredits: number;
    }
  | { readonly kind: 'card_replaced' }
  | { readonly kind: 'card_removed' }
  /** The last day on which the card can be charged. */
  | { readonly kind: 'card_expiring'; readonly lastDay: string };
