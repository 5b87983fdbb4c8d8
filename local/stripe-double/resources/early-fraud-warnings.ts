import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { inRange, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';

export const FRAUD_TYPES = [
  'card_never_received',
  'fraudulent_card_application',
  'made_with_counterfeit_card',
  'made_with_lost_card',
  'made_with_stolen_card',
  'misc',
  'unauthorized_use_of_card',
] as const;

export type FraudType = (typeof FRAUD_TYPES)[number];

export const earlyFraudWarningRoutes = [
  route(
    'GET',
    '/v1/radar/early_fraud_warnings',
    { charge: z.optional(text()), payment_intent: z.optional(text()), created: range, ...page },
    (scope, { charge, payment_intent: intent, created, ...window }) => {
      const warnings = scope.state.earlyFraudWarnings.newestFirst.filter(
        (one) =>
          (charge === undefined || one.charge === charge) &&
          (intent === undefined || one.payment_intent === intent) &&
          inRange(one.created, created),
      );
      return paginate('/v1/radar/early_fraud_warnings', warnings, window);
    },
  ),
  route('GET', '/v1/radar/early_fraud_warnings/:id', {}, (scope, _, { id = '' }) =>
    scope.state.earlyFraudWarnings.get(id, 'path'),
  ),
];

/**
 * A warning of the card network that a payment may be fraud.
 * @throws Refusal for a charge that did not succeed or already has a warning.
 */
export function warnOfFraud(
  scope: Scope,
  charge: Stripe.Charge,
  fraudType: FraudType,
): Stripe.Radar.EarlyFraudWarning {
  if (!charge.paid) throw invalid('Only a charge that succeeded can be fraud.');
  if (scope.state.earlyFraudWarnings.newestFirst.some((one) => one.charge === charge.id)) {
    throw invalid(`${charge.id} has an early fraud warning.`);
  }
  const warning = scope.state.earlyFraudWarnings.add({
    id: scope.newId('issfr'),
    object: 'radar.early_fraud_warning',
    actionable: isActionable(charge),
    charge: charge.id,
    created: scope.now,
    fraud_type: fraudType,
    livemode: false,
    ...(typeof charge.payment_intent === 'string' && { payment_intent: charge.payment_intent }),
  });
  emit(scope, 'radar.early_fraud_warning.created', warning);
  return warning;
}

/** After a refund or a dispute, a warning is no longer actionable. */
export function updateWarnings(scope: Scope, charge: Stripe.Charge): void {
  for (const warning of scope.state.earlyFraudWarnings.newestFirst) {
    if (warning.charge !== charge.id) continue;
    changeAndEmit(scope, 'radar.early_fraud_warning.updated', warning, { actionable: isActionable(charge) });
  }
}

const isActionable = ({ disputed, refunded }: Stripe.Charge): boolean => !disputed && !refunded;
