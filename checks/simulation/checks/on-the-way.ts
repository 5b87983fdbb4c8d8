import type { Item } from '../../../lib/store/table.ts';
import type { StoredEvent } from '../../../local/stripe-double/events.ts';
import { FIRST_ATTEMPT_BY_HAND } from '../people/by-hand.ts';

/** The longest time between reading the ledger and the request at Stripe, with both tries of the SDK. */
const SENDING_MS = 30_000;

/** Checks that are possible only during an episode. */
export class OnTheWay {
  readonly #nowMs: () => number;
  readonly #violate: (what: string) => void;
  readonly #disputedSinceMs = new Map<string, number>();

  constructor(nowMs: () => number, violate: (what: string) => void) {
    this.#nowMs = nowMs;
    this.#violate = violate;
  }

  /** Reports become log lines and must not contain an address. */
  expectNoAddress(happened: object): void {
    for (const [name, value] of Object.entries(happened))
      if (typeof value === 'string' && value.includes('@customer.example'))
        this.#violate(`the report field ${name} has an e-mail address`);
  }

  /** Tracks the open disputes of each head. */
  noteDisputes({ customer_id: customerId, open_disputes: open }: Item): void {
    const name = String(customerId);
    if (!Array.isArray(open) || open.length === 0) this.#disputedSinceMs.delete(name);
    else if (!this.#disputedSinceMs.has(name)) this.#disputedSinceMs.set(name, this.#nowMs());
  }

  /** No fix may be charged while the ledger has an open dispute, except for a charge already in flight. */
  expectUndisputed({ type, data: { object } }: StoredEvent): void {
    if (type !== 'payment_intent.created' || !('metadata' in object)) return;
    const metadata = new Map<string, unknown>(Object.entries(object.metadata ?? {}));
    const isOurs =
      metadata.get('purpose') === 'fix' && Number(metadata.get('attempt')) < FIRST_ATTEMPT_BY_HAND;
    const sinceMs = this.#disputedSinceMs.get(String(metadata.get('customer_id')));
    if (isOurs && sinceMs !== undefined && this.#nowMs() - sinceMs > SENDING_MS)
      this.#violate(`${metadata.get('customer_id')} was charged for a fix despite an open dispute`);
  }
}
