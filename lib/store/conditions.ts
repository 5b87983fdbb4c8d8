/**
 * Every condition the store writes under. Each one is a guarantee; `npm run test:conditions` removes them one at a
 * time and expects a test to fail for each.
 */
export const CONDITIONS = {
  /** Nobody changed the balance since it was read: no update is lost. */
  HEAD_UNMOVED: 'seq = :seq',
  /** Nobody changed the plan, the card or the debt since they were read: what was fetched first is not written last. A
   * head of the first release has no revision before its first change. */
  PROFILE_UNMOVED: 'attribute_not_exists(revision) OR revision = :revision',
  /** An entry, once written, is never overwritten, even if the head were set back by hand. */
  ENTRY_IS_NEW: 'attribute_not_exists(pk)',
  /** A fix is billed once, also when it was read an instant before somebody else billed it. */
  FIX_NOT_BILLED: 'attribute_exists(pk) AND attribute_not_exists(billed)',
  /** The fix has no charge that its reader did not see: no credit is taken while a card is being charged. */
  CHARGE_IS_ABSENT: 'attribute_not_exists(charge)',
  /** The charge stands where it was read: one caller moves it on, and an attempt is announced once. */
  CHARGE_UNMOVED: 'charge.attempt = :attempt AND charge.#state = :state',
  /** A guard is set once: what it guards happened once. */
  GUARD_IS_NEW: 'attribute_not_exists(pk)',
  /** A card brings its bonus to one customer. */
  CARD_IS_NEW: 'attribute_not_exists(pk)',
  /** A Stripe customer, or payment method, belongs to one customer of ours. */
  STRIPE_ID_IS_FREE: 'attribute_not_exists(pk) OR customer_id = :customer',
  /** An order for Pro is where it was read: two at once are one. */
  ORDER_UNMOVED: 'attribute_not_exists(pk) OR (attempt = :attempt AND #state = :state)',
  /** An invoice's guard is where it was read. */
  INVOICE_UNMOVED: 'reversed_cents = :reversed',
  /** An event counts once; one that was parked may still be applied. */
  EVENT_IS_OPEN: 'attribute_not_exists(pk) OR outcome = :parked',
  /** Work that was done meanwhile, or is gone, is left as it is. */
  WORK_IS_DUE: 'attribute_exists(due)',
  /** A warning is written once for each crossing, for the level at which the balance stands. */
  WARNING_IS_DUE: 'attribute_exists(due) AND raised_seq = :raised AND balance_level = :level',
  /** A notice of one cause is written once, also where two events tell of it. */
  NOTICE_IS_NEW: 'attribute_not_exists(pk)',
  /** Of two deliveries of a notice one sends it; one that was taken and never heard of again may be taken anew. */
  NOTICE_IS_UNCLAIMED: '#state IN (:pending, :failed) OR (#state = :sending AND claimed_at < :abandoned)',
  /** Whoever lost a notice to somebody else does not write over what became of it. */
  CLAIM_IS_OURS: '#state = :sending AND claimed_at = :claimed',
  /** A reconciliation stands where whoever writes it left it: of two at once, one goes on. */
  RUN_UNMOVED: 'attribute_not_exists(pk) OR #version = :version',
  /** One customer for each e-mail address. */
  EMAIL_IS_FREE: 'attribute_not_exists(pk)',
  /** An address that somebody else has claimed since stays theirs. */
  EMAIL_IS_THEIRS: 'attribute_not_exists(pk) OR customer_id = :customer',
  /** Nothing is made of what is not there. */
  FIX_IS_THERE: 'attribute_exists(pk)',
  /** A new customer never takes over an existing ledger. */
  CUSTOMER_IS_NEW: 'attribute_not_exists(pk)',
  /** The first record of a pull request stays; recording it again changes nothing. */
  FIX_IS_NEW: 'attribute_not_exists(pk)',
  /** A key is issued only to an existing customer who is below the limit. */
  KEYS_BELOW_LIMIT: 'active_keys < :limit',
  /** Nobody comes back into an account that is closed. */
  ACCOUNT_IS_OPEN: 'attribute_not_exists(closed_at) OR closed_at = :open',
  /** A key is counted once, also when it is sent again because the first answer did not arrive. */
  KEY_IS_NEW: 'attribute_not_exists(pk)',
  /** A key is revoked once, so that it is counted once; and only if it is there. */
  KEY_IS_ACTIVE: 'attribute_exists(pk) AND attribute_not_exists(revoked_at)',
  /** The window has room for one more hit. */
  RATE_HAS_ROOM: 'attribute_not_exists(hits) OR size(hits) < :limit',
  /** The window is full, but its oldest hit has left it, and nobody else took that place. */
  RATE_OLDEST_HAS_LEFT: 'hits[0] = :oldest AND size(hits) = :limit',
} as const;
