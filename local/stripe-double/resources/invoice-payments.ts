import * as z from 'zod/mini';
import { page, paginate } from '../http/pagination.ts';
import { text } from '../http/parameters.ts';
import { route } from '../http/route.ts';

export const invoicePaymentRoutes = [
  route(
    'GET',
    '/v1/invoice_payments',
    {
      invoice: z.optional(text()),
      payment: z.optional(
        z.strictObject({
          type: z.literal('payment_intent', 'parameter_invalid: the double supports only payment intents'),
          payment_intent: z.optional(text()),
        }),
      ),
      status: z.optional(z.enum(['canceled', 'open', 'paid'], 'parameter_invalid: must be a valid status')),
      ...page,
    },
    (scope, { invoice, payment, status, ...window }) => {
      const intent = payment?.payment_intent;
      const payments = scope.state.invoicePayments.newestFirst.filter(
        (one) =>
          (invoice === undefined || one.invoice === invoice) &&
          (intent === undefined || one.payment.payment_intent === intent) &&
          (status === undefined || one.status === status),
      );
      return paginate('/v1/invoice_payments', payments, window);
    },
  ),
  route('GET', '/v1/invoice_payments/:id', {}, (scope, _, { id = '' }) =>
    scope.state.invoicePayments.get(id, 'path'),
  ),
];
