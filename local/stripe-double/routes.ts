import type { Route } from './http/route.ts';
import { accountRoutes } from './resources/account.ts';
import { balanceRoutes } from './resources/balance-transactions.ts';
import { chargeRoutes } from './resources/charges.ts';
import { checkoutSessionRoutes } from './resources/checkout-sessions.ts';
import { couponRoutes } from './resources/coupons.ts';
import { creditNoteRoutes } from './resources/credit-notes.ts';
import { customerBalanceRoutes } from './resources/customer-balance.ts';
import { customerRoutes } from './resources/customers.ts';
import { disputeRoutes } from './resources/disputes.ts';
import { earlyFraudWarningRoutes } from './resources/early-fraud-warnings.ts';
import { emptyListRoutes } from './resources/empty-lists.ts';
import { eventRoutes } from './resources/events.ts';
import { invoiceDraftRoutes } from './resources/invoice-drafts.ts';
import { invoiceItemRoutes } from './resources/invoice-items.ts';
import { invoicePaymentRoutes } from './resources/invoice-payments.ts';
import { invoiceRoutes } from './resources/invoices.ts';
import { paymentIntentRoutes } from './resources/payment-intents.ts';
import { paymentMethodRoutes } from './resources/payment-methods.ts';
import { payoutRoutes } from './resources/payouts.ts';
import { portalConfigurationRoutes } from './resources/portal-configurations.ts';
import { portalRoutes } from './resources/portal-sessions.ts';
import { priceRoutes } from './resources/prices.ts';
import { productRoutes } from './resources/products.ts';
import { refundRoutes } from './resources/refunds.ts';
import { setupIntentRoutes } from './resources/setup-intents.ts';
import { sourceRoutes } from './resources/sources.ts';
import { subscriptionItemRoutes } from './resources/subscription-items.ts';
import { subscriptionRoutes } from './resources/subscriptions.ts';
import { webhookEndpointRoutes } from './resources/webhook-endpoints.ts';

/**
 * Every route under /v1. A new kind of object also needs a collection in state.ts, a line in state-dump.ts,
 * and a list in pages/kinds.ts.
 */
export const ROUTES: readonly Route[] = [
  ...customerRoutes,
  ...customerBalanceRoutes,
  ...sourceRoutes,
  ...paymentMethodRoutes,
  ...paymentIntentRoutes,
  ...setupIntentRoutes,
  ...checkoutSessionRoutes,
  ...portalConfigurationRoutes,
  ...portalRoutes,
  ...chargeRoutes,
  ...refundRoutes,
  ...disputeRoutes,
  ...earlyFraudWarningRoutes,
  ...balanceRoutes,
  ...payoutRoutes,
  ...productRoutes,
  ...priceRoutes,
  ...subscriptionRoutes,
  ...subscriptionItemRoutes,
  ...invoiceRoutes,
  ...invoiceDraftRoutes,
  ...invoiceItemRoutes,
  ...invoicePaymentRoutes,
  ...creditNoteRoutes,
  ...couponRoutes,
  ...eventRoutes,
  ...webhookEndpointRoutes,
  ...accountRoutes,
  ...emptyListRoutes,
];
