import type { ProSubscription } from '../../domain/subscription.ts';
import type { DefaultCard } from './payments.ts';

export interface AttachedCard {
  /** Not always the id that was given: a test method gets one of its own. */
  readonly paymentMethodId: string;
  /** The same for every payment method that is this card; null for what is no card. */
  readonly fingerprint: string | null;
}

/** What Stripe says of a customer now. */
export type StripeAccount =
  | { readonly kind: 'deleted' }
  | {
      readonly kind: 'account';
      /** The default, where it is a card that can be charged. */
      readonly card: DefaultCard | null;
      readonly subscriptions: readonly ProSubscription[];
    };

/** Customers and their cards. */
export interface CustomerCalls {
  createCustomer(customer: {
    readonly customerId: string;
    readonly name: string;
    /** Null where Stripe refuses the address. */
    readonly email: string | null;
    /** The Stripe customer before, when that was deleted. */
    readonly former: string | null;
  }): Promise<string>;
  /**
   * The Stripe customers that were made for a customer of ours under this address, and not deleted since: more than one where
   * Stripe made one and answered an error.
   */
  findCustomers(customer: { readonly customerId: string; readonly email: string }): Promise<string[]>;
  /** Takes every card off, and the name and address. Payments stay. Idempotent: does nothing if the customer is already deleted. */
  anonymiseCustomer(stripeCustomerId: string): Promise<void>;
  /** With their cards; a subscription ends at once. Idempotent: does nothing if the customer is already deleted. */
  deleteCustomer(stripeCustomerId: string): Promise<void>;
  /** Refuses what is no card, with the code `NOT_A_CARD`, and leaves it off. */
  attachCard(stripeCustomerId: string, paymentMethodId: string): Promise<AttachedCard>;
  /** The customer of ours that a Stripe customer's metadata names; null without one, or when deleted. */
  readCustomerClaim(stripeCustomerId: string): Promise<string | null>;
  makeDefault(stripeCustomerId: string, paymentMethodId: string): Promise<void>;
  readAccount(stripeCustomerId: string): Promise<StripeAccount>;
}
