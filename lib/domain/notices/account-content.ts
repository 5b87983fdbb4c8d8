/** Notices about a customer's address, and about a request to close the account. */
export type AccountNoticeContent =
  /** Goes to the new address, if it is still the one that the customer asked for. */
  | { readonly kind: 'confirm_address'; readonly addressHash: string }
  /** Goes to the old address. Null once the letter is sent, because the address is not kept. */
  | { readonly kind: 'address_changed'; readonly to: string | null }
  | { readonly kind: 'closing_asked'; readonly credits: number; readonly hasPro: boolean };
