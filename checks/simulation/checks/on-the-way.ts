import type { Item } from '../../../lib/store/table.ts';
import type { StoredEvent } from '../../../local/stripe-double/events.ts';
import { FIRST_ATTEMPT_BY_HAND } from '../people/by-hand.ts';

/** From the last look at the ledger until Stripe has the request, with both tries of the SDK. */
const SENDING_MS = 30_000;

/** What can be seen only while it happens. */
export class OnTheWay {
  readonly #nowMs: () => number;
  readonly #violate: (what: string) => void;
  readonly #disputedSinceMs = new Map<string, number>();

  constructor(nowMs: () => number, violate: (what: string) => void) {
    this.#nowMs = nowMs;
    this.#violate = violate;
  }

  /** What is reported ends in a log line: ids, numbers and reasons. */
  expectNoAddress(happened: object): void {
    for (const [name, value] of Object.entries(happened))
      if (typeof value === 'string' && value.includes('@customer.example'))
        this.#violate(`an e-mail address is reported as ${name}`);
  }

  /** Follows what each head says of disputes. */
  noteDisputes({ customer_id: customerId, open_disputes: open }: Item): void {
    const name = String(customerId);
    if (!Array.isArray(open) || open.length === 0) this.#disputedSinceMs.delete(name);
    else if (!this.#disputedSinceMs.has(name)) this.#disputedSinceMs.set(name, this.#nowMs());
  }

  /** No fix is charged while the ledger knows of a dispute, but for a charge that was being sent when it learned of it. */
  expectUndisputed({ type, data: { object } }: StoredEvent): void {
    if (type !== 'payment_intent.created' || !('metadata' in object)) return;
    const metadata = new Map<string, unknown>(Object.entries(object.metadata ?? {}));
    const isOurs =
      metadata.get('purpose') === 'fix' && Number(metadata.get('attempt')) < FIRST_ATTEMPT_BY_HAND;
    const sinceMs = this.#disputedSinceMs.get(String(metadata.get('customer_id')));
    if (isOurs && sinceMs !== undefined && this.#nowMs() - sinceMs > SENDING_MS)
      this.#violate(`${metadata.get('customer_id')} was charged for a fix although a dispute was known`);
  }
}
