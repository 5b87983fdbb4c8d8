import type { ApprovalCalls } from './port/approvals.ts';
import type { AuditCalls } from './port/audit.ts';
import type { CustomerCalls } from './port/customers.ts';
import type { DocumentCalls } from './port/documents.ts';
import type { HostedPageCalls } from './port/hosted.ts';
import type { ListCalls } from './port/lists.ts';
import type { MoneyCalls } from './port/money.ts';
import type { PaymentCalls } from './port/payments.ts';
import type { PlanCalls } from './port/plans.ts';

export type * from './port/approvals.ts';
export type * from './port/audit.ts';
export type * from './port/customers.ts';
export type * from './port/documents.ts';
export type * from './port/hosted.ts';
export type * from './port/lists.ts';
export type * from './port/money.ts';
export type * from './port/payments.ts';
export type * from './port/plans.ts';

/**
 * Stripe stores an idempotency key for 24 hours; later the same call would run again. One hour is margin for
 * clocks.
 */
export const KEY_IS_SAFE_MS = 23 * 60 * 60 * 1000;

/**
 * The service's calls to Stripe, in its own terms. Every call is idempotent. Calls that move money carry an
 * idempotency key made of business facts. Every call throws only `StripeFault`. The files of client/
 * implement the interfaces of port/; `MoneyCalls` and `ListCalls` are in client/reads.ts.
 */
export interface StripePort
  extends CustomerCalls,
    HostedPageCalls,
    PaymentCalls,
    PlanCalls,
    ApprovalCalls,
    MoneyCalls,
    ListCalls,
    DocumentCalls,
    AuditCalls {}
