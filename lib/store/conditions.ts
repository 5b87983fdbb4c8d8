/**
 * Every condition the store writes under. Each one is a guarantee; `npm run check:conditions` removes them one at a
 * time and expects a test to fail for each.
 */
export const CONDITIONS = {
  /** The balance has not changed since it was read: no update is lost. */
  HEAD_UNMOVED: 'seq = :seq',
  /** The plan, the card and the debt have not changed since they were read. A head of the first release has no revision. */
  PROFILE_UNMOVED: 'attribute_not_exists(revision) OR revision = :revision',
  /** An entry, once written, is never overwritten, even if the head were set back by hand. */
  ENTRY_IS_NEW: 'attribute_not_exists(pk)',
  /** A fix is billed once, also where it was read just before another caller billed it. */
  FIX_NOT_BILLED: 'attribute_exists(pk) AND attribute_not_exists(billed)',
  /** The fix has no charge that the caller did not see: no credit is taken while a card is being charged. */
  CHARGE_IS_ABSENT: 'attribute_not_exists(charge)',
  /** The charge stands where it was read: one caller moves it on, and an attempt is announced once. */
  CHARGE_UNMOVED: 'charge.attempt = :attempt AND charge.#state = :state',
  /** A guard is set once: what it guards happened once. */
  GUARD_IS_NEW: 'attribute_not_exists(pk)',
  /** A card brings its bonus to one customer. */
  CARD_IS_NEW: 'attribute_not_exists(pk)',
  /** A Stripe customer, or payment method, belongs to one customer of ours. */
  STRIPE_ID_IS_FREE: 'attribute_not_exists(pk) OR customer_id = :customer',
  /** An order for Pro is where it was read: concurrent calls make one order. */
  ORDER_UNMOVED: 'attribute_not_exists(pk) OR (attempt = :attempt AND #state = :state)',
  /** A renewal is where it was read: concurrent callers announce one payment, and one of them stores its outcome. */
  RENEWAL_UNMOVED: 'attribute_not_exists(pk) OR (attempt = :attempt AND #state = :state)',
  /** An invoice's guard is where it was read. */
  INVOICE_UNMOVED: 'reversed_cents = :reversed AND credits = :granted',
  /** The return of a payment is where it was read: one caller announces the next refund. Items of before have no state. */
  RETURN_UNMOVED:
    'attribute_exists(pk) AND (attribute_not_exists(#state) OR #state = :state) AND (attribute_not_exists(attempt) OR attempt = :attempt)',
  /** No other try of a card was counted since the record was read: of many at once, no more than the budget are announced. */
  TRIES_UNMOVED: 'attribute_not_exists(pk) OR #version = :version',
  /** An event counts once; one that was parked may still be applied. */
  EVENT_IS_OPEN: 'attribute_not_exists(pk) OR outcome = :parked',
  /** Work that is done or deleted by now is left as it is. */
  WORK_IS_DUE: 'attribute_exists(due)',
  /** A warning is written once for each crossing, for the level at which the balance stands. */
  WARNING_IS_DUE: 'attribute_exists(due) AND raised_seq = :raised AND balance_level = :level',
  /** A notice of one cause is written once, also where two events report the cause. */
  NOTICE_IS_NEW: 'attribute_not_exists(pk)',
  /** Of two deliveries of a notice one sends it. An abandoned claim may be claimed again. */
  NOTICE_IS_UNCLAIMED: '#state IN (:pending, :failed) OR (#state = :sending AND claimed_at < :abandoned)',
  /** A delivery that lost its claim does not overwrite the outcome of the other delivery. */
  CLAIM_IS_OURS: '#state = :sending AND claimed_at = :claimed',
  /** A reconciliation is where its writer left it: of two concurrent invocations, one goes on. */
  RUN_UNMOVED: 'attribute_not_exists(pk) OR #version = :version',
  /** The stored price of a plan is the one that was read: a slow sweep does not overwrite the price of a later one. */
  SOLD_PRICE_UNMOVED: 'attribute_not_exists(pk) OR (price_id = :price AND credits = :credits)',
  /** One customer for each e-mail address. */
  EMAIL_IS_FREE: 'attribute_not_exists(pk)',
  /** An address that another customer has claimed since stays theirs. */
  EMAIL_IS_THEIRS: 'attribute_not_exists(pk) OR customer_id = :customer',
  /** The fix exists: an update never creates one. */
  FIX_IS_THERE: 'attribute_exists(pk)',
  /** A fix takes a repository's number over once: of two different numbers, the first stays. */
  REPOSITORY_IS_UNKNOWN: 'attribute_exists(pk) AND attribute_not_exists(repository_id)',
  /** The newest attempt under the names is the one that was read: of two new attempts at once, one looks again. */
  NEWEST_UNMOVED: 'repository_id = :first AND (attribute_not_exists(newest_id) OR newest_id = :newest)',
  /** The customer has recorded fewer new attempts today than the limit. */
  RECORDINGS_HAVE_ROOM: 'attribute_not_exists(recorded) OR recorded < :limit',
  /** A new customer never takes over an existing ledger. */
  CUSTOMER_IS_NEW: 'attribute_not_exists(pk)',
  /** The first record of a pull request stays; recording it again changes nothing. */
  FIX_IS_NEW: 'attribute_not_exists(pk)',
  /** A key is issued only to an existing customer who is below the limit. */
  KEYS_BELOW_LIMIT: 'active_keys < :limit',
  /** A closed account gets no new key. */
  ACCOUNT_IS_OPEN: 'attribute_not_exists(closed_at) OR closed_at = :open',
  /** A key is counted once, also where the call is repeated because its answer was lost. */
  KEY_IS_NEW: 'attribute_not_exists(pk)',
  /** A key is revoked once, so that it is counted once; and only if it is there. */
  KEY_IS_ACTIVE: 'attribute_exists(pk) AND attribute_not_exists(revoked_at)',
  /** The window has room for one more hit. */
  RATE_HAS_ROOM: 'attribute_not_exists(hits) OR size(hits) < :limit',
  /** The window is full, but its oldest hit has left it, and no other hit took its place. */
  RATE_OLDEST_HAS_LEFT: 'hits[0] = :oldest AND size(hits) = :limit',
} as const;
