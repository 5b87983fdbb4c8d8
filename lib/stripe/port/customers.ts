import type { ProSubscription } from '../../domain/subscription.ts';
import type { DefaultCard } from './payments.ts';

export interface AttachedCard {
  /** May differ from the given id: a test method gets an id of its own. */
  readonly paymentMethodId: string;
  /** The same for every payment method of this card; null if it is not a card. */
  readonly fingerprint: string | null;
  /** The last month of the card, such as 2027-01. */
  readonly expires?: string | undefined;
}

/** The current state of a customer at Stripe. */
export type StripeAccount =
  | { readonly kind: 'deleted' }
  | {
      readonly kind: 'account';
      /** The default payment method, if it is a card that can be charged. */
      readonly card: DefaultCard | null;
      readonly subscriptions: readonly ProSubscription[];
    };

/** Customers and their cards. */
export interface CustomerCalls {
  createCustomer(customer: {
    readonly customerId: string;
    readonly name: string;
    /** Null if Stripe rejects the address. */
    readonly email: string | null;
    /** The previous Stripe customer, if it was deleted. */
    readonly former: string | null;
  }): Promise<string>;
  /**
   * The Stripe customers of one of our customers under this address, without deleted ones. There are several
   * if Stripe created one and returned an error.
   */
  findCustomers(customer: { readonly customerId: string; readonly email: string }): Promise<string[]>;
  /**
   * Removes all cards, the name and the address. Payments stay. Idempotent: does nothing for a deleted
   * customer.
   */
  anonymiseCustomer(stripeCustomerId: string): Promise<void>;
  /**
   * Deletes the cards too, and ends a subscription at once. Idempotent: does nothing for a deleted customer.
   */
  deleteCustomer(stripeCustomerId: string): Promise<void>;
  /** Rejects a method that is not a card, with the code `NOT_A_CARD`, and detaches it. */
  attachCard(stripeCustomerId: string, paymentMethodId: string): Promise<AttachedCard>;
  /** Our customer's id in the Stripe customer's metadata; null without one, or when deleted. */
  readCustomerClaim(stripeCustomerId: string): Promise<string | null>;
  makeDefault(stripeCustomerId: string, paymentMethodId: string): Promise<void>;
  readAccount(stripeCustomerId: string): Promise<StripeAccount>;
}
