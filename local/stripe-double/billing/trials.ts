import type Stripe from 'stripe';
import { emit, type Scope } from '../scope.ts';

const NOTICE_SECONDS = 3 * 24 * 60 * 60;

/** Three days before a trial ends, or at once for a shorter trial. */
export function scheduleTrialNotice(scope: Scope, subscription: Stripe.Subscription): void {
  const end = subscription.trial_end;
  if (end === null) return;
  if (end - NOTICE_SECONDS <= scope.now) {
    emit(scope, 'customer.subscription.trial_will_end', subscription);
    return;
  }
  scope.schedule.at(end - NOTICE_SECONDS, `the trial of ${subscription.id} will end`, (later) => {
    if (subscription.status !== 'trialing' || subscription.trial_end !== end) return;
    emit(later, 'customer.subscription.trial_will_end', subscription);
  });
}
