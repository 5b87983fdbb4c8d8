import type { Bug } from './bugs.ts';

/** Bugs that no earlier check found. */
export const PLANTED_BUGS: readonly Bug[] = [
  {
    name: 'guard-expires',
    what: 'the guard of an invoice expires',
    patches: [
      {
        file: 'lib/store/guards.ts',
        find: "'invoice', guard.invoiceId), ...invoices.encode(guard) };",
        replace: "'invoice', guard.invoiceId), ...invoices.encode(guard), expires_at: 2_000_000_000 };",
      },
    ],
  },
  {
    name: 'resumed-with-current-card',
    what: 'an announced charge is retried with the current card and the announced key',
    patches: [
      {
        file: 'lib/operations/payments/payer.ts',
        find: 'if (card !== null && (payer.paymentMethodId ?? card.paymentMethodId) === card.paymentMethodId) return true;',
        replace: 'if (card !== null) return true;',
      },
      {
        file: 'lib/operations/fixes/charge-fix.ts',
        find: 'ask: (stripe) => stripe.chargeFix(orderOf(customerId, fix, charge)),',
        replace:
          'ask: async (stripe) => {\n' +
          '      const current = await stripe.readDefaultCard(charge.stripeCustomerId);\n' +
          '      const paymentMethodId = current?.paymentMethodId ?? charge.paymentMethodId;\n' +
          '      return stripe.chargeFix({ ...orderOf(customerId, fix, charge), paymentMethodId });\n' +
          '    },',
      },
    ],
  },
  {
    name: 'address-in-log',
    what: 'the log line of a sign-up has the e-mail address',
    patches: [
      {
        file: 'lib/operations/accounts/onboard-customer.ts',
        find: "deps.report({ kind: 'customer_onboarded', customerId });",
        replace: "deps.report({ kind: 'customer_onboarded', customerId, ...{ email } });",
      },
    ],
  },
];
