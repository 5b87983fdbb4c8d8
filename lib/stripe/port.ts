import type { AuditCalls } from './port/audit.ts';
import type { CustomerCalls } from './port/customers.ts';
import type { ListCalls } from './port/lists.ts';
import type { MoneyCalls } from './port/money.ts';
import type { PaymentCalls } from './port/payments.ts';
import type { PlanCalls } from './port/plans.ts';

export type * from './port/audit.ts';
export type * from './port/customers.ts';
export type * from './port/lists.ts';
export type * from './port/money.ts';
export type * from './port/payments.ts';
export type * from './port/plans.ts';

/** Stripe keeps an idempotency key for 24 hours; after that the same call would be a new one. An hour is left for clocks. */
export const KEY_IS_SAFE_MS = 23 * 60 * 60 * 1000;

/**
 * What the service asks of Stripe, in the service's own terms. Every call is safe to repeat. Calls that move money carry an
 * idempotency key made of business facts. Every call throws `StripeFault` and nothing else.
 */
export interface StripePort
  extends CustomerCalls,
    PaymentCalls,
    PlanCalls,
    MoneyCalls,
    ListCalls,
    AuditCalls {}
