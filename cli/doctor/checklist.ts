import type { Check } from './check.ts';
import { SERVICE_CHECKS } from './service-checks.ts';
import type { Site } from './site.ts';
import { STACK_CHECKS } from './stack-checks.ts';
import { STRIPE_CHECKS } from './stripe-checks.ts';
import { TABLE_CHECKS } from './table-checks.ts';
import { WEBHOOK_CHECKS } from './webhook-checks.ts';

/** The production checklist, in the order in which it is told. What a check needs stands before it. */
export const CHECKLIST: readonly Check<Site>[] = [
  ...TABLE_CHECKS,
  ...STACK_CHECKS,
  ...STRIPE_CHECKS,
  ...WEBHOOK_CHECKS,
  ...SERVICE_CHECKS,
];
