import type { Meter } from '../../../store/paging.ts';
import type { Table } from '../../../store/table.ts';
import type { AuditCalls, RawPrice } from '../../../stripe/port/audit.ts';
import type { LedgerFacts } from './ledger-facts.ts';

/** The subject of an audit, and what the auditor may access. */
export interface Inquiry {
  readonly table: Table;
  readonly stripe: AuditCalls;
  readonly customerId: string;
  /** The fields of the head, as data. */
  readonly head: {
    readonly stripeCustomerId: string | null;
    readonly paymentMethodId: string | null;
    readonly openDisputes: readonly string[];
    readonly closedAt: string | null;
  };
  /** Every current or former Stripe customer of this customer. */
  readonly stripeCustomerIds: readonly string[];
  readonly facts: LedgerFacts;
  readonly now: Date;
  /** Only earlier payments count: later ones may not be in the ledger yet. Null if all payments count. */
  readonly paidBefore: Date | null;
  readonly prices: Prices;
  readonly meter: Meter;
  /** Awaited before this number of calls to Stripe. */
  readonly beforeAsking: (calls: number) => Promise<void>;
}

/** In seconds: an event may be made this much later than its payment. The run reads events up to a time. */
const EVENT_AFTER = 60;

/** Whether a payment at this time must be in the ledger by now. In seconds. */
export const isDue = ({ paidBefore }: Inquiry, seconds: number): boolean =>
  paidBefore === null || seconds + EVENT_AFTER < paidBefore.getTime() / 1000;

/** Prices as Stripe has them, each read once. The product of the price that is sold is ours. */
export class Prices {
  readonly #known = new Map<string, RawPrice>();
  readonly #products = new Set<string>();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #soldPriceId: string;

  constructor(soldPriceId: string) {
    this.#soldPriceId = soldPriceId;
  }

  get known(): ReadonlyMap<string, RawPrice> {
    return this.#known;
  }

  get products(): ReadonlySet<string> {
    return this.#products;
  }

  /** Reads unknown prices, each once even if customers are audited concurrently. @throws StripeFault */
  async learn(
    priceIds: readonly (string | null)[],
    by: Pick<Inquiry, 'stripe' | 'beforeAsking'>,
  ): Promise<void> {
    const wanted = [...new Set([this.#soldPriceId, ...priceIds])].filter((id) => id !== null);
    await Promise.all(wanted.map((id) => this.#readOnce(id, by)));
  }

  #readOnce(id: string, by: Pick<Inquiry, 'stripe' | 'beforeAsking'>): Promise<void> {
    const reading = this.#reading.get(id) ?? this.#read(id, by);
    this.#reading.set(id, reading);
    return reading;
  }

  async #read(id: string, { stripe, beforeAsking }: Pick<Inquiry, 'stripe' | 'beforeAsking'>): Promise<void> {
    try {
      await beforeAsking(1);
      const price = await stripe.rawPrice(id);
      this.#known.set(id, price);
      const isOurs = id === this.#soldPriceId || price.metadata['credits'] !== undefined;
      if (isOurs && price.productId !== null) this.#products.add(price.productId);
    } catch (error) {
      this.#reading.delete(id);
      throw error;
    }
  }
}
