/**
 * Every condition of the store's writes. Each one is a guarantee: `npm run check:conditions` removes them one
 * at a time and expects a test to fail for each.
 */
export const CONDITIONS = {
  /** The balance has not changed since it was read: no update is lost. */
  HEAD_UNMOVED: 'seq = :seq',
  /**
   * The plan, the card and the debt have not changed since they were read. The oldest heads have no revision.
   */
  PROFILE_UNMOVED: 'attribute_not_exists(revision) OR revision = :revision',
  /** An entry is never overwritten, even if the head is set back manually. */
  ENTRY_IS_NEW: 'attribute_not_exists(pk)',
  /** A fix is billed once, even if it was read just before another caller billed it. */
  FIX_NOT_BILLED: 'attribute_exists(pk) AND attribute_not_exists(billed)',
  /** The fix has no charge that the caller did not see: no credit is taken while a card is being charged. */
  CHARGE_IS_ABSENT: 'attribute_not_exists(charge)',
  /**
   * The charge has not changed since it was read: one caller changes it, and an attempt is announced once.
   */
  CHARGE_UNMOVED: 'charge.attempt = :attempt AND charge.#state = :state',
  /** A guard is written once, so its effect happens once. */
  GUARD_IS_NEW: 'attribute_not_exists(pk)',
  /** A card earns its bonus for one customer. */
  CARD_IS_NEW: 'attribute_not_exists(pk)',
  /** A Stripe customer or payment method belongs to one of our customers. */
  STRIPE_ID_IS_FREE: 'attribute_not_exists(pk) OR customer_id = :customer',
  /** The Pro order has not changed since it was read: concurrent calls place one order. */
  ORDER_UNMOVED: 'attribute_not_exists(pk) OR (attempt = :attempt AND #state = :state)',
  /**
   * The renewal has not changed since it was read: concurrent callers announce one payment and store one
   * outcome.
   */
  RENEWAL_UNMOVED: 'attribute_not_exists(pk) OR (attempt = :attempt AND #state = :state)',
  /**
   * The Checkout session has not changed since it was read: concurrent clicks open one session, and one
   * caller puts its card on file.
   */
  CARD_SESSION_UNMOVED: 'attribute_not_exists(pk) OR (attempt = :attempt AND #state = :state)',
  /** The invoice's guard has not changed since it was read. */
  INVOICE_UNMOVED: 'reversed_cents = :reversed AND credits = :granted',
  /**
   * The return has not changed since it was read: one caller announces the next refund. Older items have no
   * state.
   */
  RETURN_UNMOVED:
    'attribute_exists(pk) AND (attribute_not_exists(#state) OR #state = :state) ' +
    'AND (attribute_not_exists(attempt) OR attempt = :attempt)',
  /**
   * No other try of a card was counted since the record was read: concurrent tries never exceed the budget.
   */
  TRIES_UNMOVED: 'attribute_not_exists(pk) OR #version = :version',
  /**
   * The month's sum has not changed since it was read: concurrent announcements never exceed the limit, and
   * the charge that reaches a share of the limit writes the letter about it.
   */
  SPENDING_UNMOVED: 'attribute_not_exists(committed_cents) OR committed_cents = :committed',
  /**
   * The customer has no letter yet about this share of the limit: a month has one letter for each share, also
   * if the sum went down and up again.
   */
  SHARE_IS_NEW: 'attribute_not_exists(noticed_percent) OR noticed_percent < :percent',
  /** An event is recorded once. A parked event may still be applied. */
  EVENT_IS_OPEN: 'attribute_not_exists(pk) OR outcome = :parked',
  /** Work that is already done or deleted stays unchanged. */
  WORK_IS_DUE: 'attribute_exists(due)',
  /** A warning is written once for each crossing, for the current level of the balance. */
  WARNING_IS_DUE: 'attribute_exists(due) AND raised_seq = :raised AND balance_level = :level',
  /** One cause writes one notice, even if two events report the cause. */
  NOTICE_IS_NEW: 'attribute_not_exists(pk)',
  /** A reminder is sent, or dropped, once: the runs that find it due may overlap. */
  NOTICE_IS_SCHEDULED: '#state = :scheduled',
  /** Of two concurrent deliveries of a notice, one sends it. An abandoned claim can be taken over. */
  NOTICE_IS_UNCLAIMED: '#state IN (:pending, :failed) OR (#state = :sending AND claimed_at < :abandoned)',
  /**
   * A delivery of a notice stores an outcome only while it holds the claim. Another delivery may have claimed
   * the notice since then.
   */
  CLAIM_IS_OURS: '#state = :sending AND claimed_at = :claimed',
  /** A held notice goes into one digest, and a digest that is sent or on its way gets no more notices. */
  NOTICE_IS_HELD: '#state = :held',
  /** An address gets no more letters in a day than its cap: concurrent deliveries never exceed it. */
  LETTERS_HAVE_ROOM: 'attribute_not_exists(letters) OR letters < :most',
  /** The same for the cap of urgent letters. */
  URGENT_LETTERS_HAVE_ROOM: 'attribute_not_exists(urgent_letters) OR urgent_letters < :most',
  /** The run has not changed since it was read: of two concurrent invocations, one continues. */
  RUN_UNMOVED: 'attribute_not_exists(pk) OR #version = :version',
  /** The stored price has not changed since it was read: a slow sweep does not overwrite a newer price. */
  SOLD_PRICE_UNMOVED: 'attribute_not_exists(pk) OR (price_id = :price AND credits = :credits)',
  /** One customer for each e-mail address. */
  EMAIL_IS_FREE: 'attribute_not_exists(pk)',
  /** An address that another customer has claimed since then is not released. */
  EMAIL_IS_THEIRS: 'attribute_not_exists(pk) OR customer_id = :customer',
  /** The fix exists: an update never creates one. */
  FIX_IS_THERE: 'attribute_exists(pk)',
  /** A fix gets its repository id once: of two different ids, the first stays. */
  REPOSITORY_IS_UNKNOWN: 'attribute_exists(pk) AND attribute_not_exists(repository_id)',
  /**
   * The newest attempt has not changed since it was read: of two concurrent new attempts, one reads again.
   */
  NEWEST_UNMOVED: 'repository_id = :first AND (attribute_not_exists(newest_id) OR newest_id = :newest)',
  /** The customer has recorded fewer new attempts today than the limit. */
  RECORDINGS_HAVE_ROOM: 'attribute_not_exists(recorded) OR recorded < :limit',
  /** A new customer never takes over an existing ledger. */
  CUSTOMER_IS_NEW: 'attribute_not_exists(pk)',
  /** The first record of a pull request stays; recording it again changes nothing. */
  FIX_IS_NEW: 'attribute_not_exists(pk)',
  /** A key is issued only to an existing customer who is below the limit. */
  KEYS_BELOW_LIMIT: 'active_keys < :limit',
  /** Another `account` key is active. Heads of earlier releases count no `account` keys: all keys were. */
  ACCOUNT_KEY_REMAINS: 'account_keys > :last OR (attribute_not_exists(account_keys) AND active_keys > :last)',
  /** No key was issued or revoked since the keys were listed: none of them escapes being ended. */
  KEYS_UNMOVED: 'active_keys = :counted',
  /** The customer exists: revoking a key never creates a head. */
  KEYS_ARE_COUNTED: 'attribute_exists(active_keys)',
  /** A closed account gets no new key. */
  ACCOUNT_IS_OPEN: 'attribute_not_exists(closed_at) OR closed_at = :open',
  /** A key is counted once, even if the call is retried because its answer was lost. */
  KEY_IS_NEW: 'attribute_not_exists(pk)',
  /** An existing key is revoked once, so that the count goes down once. */
  KEY_IS_ACTIVE: 'attribute_exists(pk) AND attribute_not_exists(revoked_at)',
  /** A link is stored once, even if the call is retried because its answer was lost. */
  LINK_IS_NEW: 'attribute_not_exists(pk)',
  /** A link signs in once, and only while it is valid. */
  LINK_IS_USABLE: 'attribute_exists(pk) AND attribute_not_exists(used_at) AND valid_until > :now',
  /** Signing out of a session that the table has deleted meanwhile makes no new item. */
  SESSION_IS_THERE: 'attribute_exists(pk)',
  /** A test customer can be removed while their link is made or used. */
  CUSTOMER_IS_THERE: 'attribute_exists(pk)',
  /** The window has room for one more hit. */
  RATE_HAS_ROOM: 'attribute_not_exists(hits) OR size(hits) < :limit',
  /** No other call has added a hit, or replaced the list: a replaced list lacks its oldest hit. */
  RATE_UNMOVED: 'hits[0] = :oldest AND size(hits) = :size',
} as const;
