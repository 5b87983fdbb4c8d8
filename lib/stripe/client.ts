import type { StripeConfig } from '../settings/stripe.ts';
import { approvalCalls } from './client/approvals.ts';
import { auditCalls } from './client/audit.ts';
import { customerCalls } from './client/customers.ts';
import { documentCalls } from './client/documents.ts';
import { hostedPageCalls } from './client/hosted.ts';
import { paymentCalls } from './client/payments.ts';
import { planCalls } from './client/plans.ts';
import { listCalls, moneyCalls } from './client/reads.ts';
import type { StripePort } from './port.ts';
import { priceBook } from './prices.ts';
import { stripeLink } from './readers/documents.ts';
import { openStripe, type StripeLine } from './sdk.ts';
import { translateError } from './translate-error.ts';

/** Stripe as the service uses it. */
export function stripePort(config: StripeConfig, line: StripeLine = {}): StripePort {
  const stripe = openStripe(config, line);
  const prices = priceBook(stripe, config.proPriceId);
  return translated({
    proPriceId: config.proPriceId,
    ...customerCalls(stripe, prices),
    ...hostedPageCalls(stripe),
    mailsReceipts: config.mailsReceipts ?? false,
    ...paymentCalls(stripe),
    ...planCalls(stripe, prices),
    ...approvalCalls(stripe, prices),
    ...moneyCalls(stripe, prices),
    ...listCalls(stripe, prices),
    ...documentCalls(stripe, stripeLink(config.apiBase)),
    ...auditCalls(stripe),
  });
}

/** Every failed call throws a `StripeFault`. */
function translated(port: StripePort): StripePort {
  return new Proxy(port, {
    get: (target, name, receiver) => {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function') return call;
      return async (...args: unknown[]) => {
        try {
          return await call.apply(target, args);
        } catch (error) {
          throw translateError(error);
        }
      };
    },
  });
}
