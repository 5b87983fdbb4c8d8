import { type Check, examine, type Result } from './check.ts';
import { SERVICE_CHECKS } from './service-checks.ts';
import type { Site } from './site.ts';
import { STACK_CHECKS } from './stack-checks.ts';
import { STRIPE_CHECKS } from './stripe-checks.ts';
import { TABLE_CHECKS } from './table-checks.ts';
import { WEBHOOK_CHECKS } from './webhook-checks.ts';

/** The production checklist, in the order of the report. What a check needs stands before it. */
export const CHECKLIST: readonly Check<Site>[] = [
  ...TABLE_CHECKS,
  ...STACK_CHECKS,
  ...STRIPE_CHECKS,
  ...WEBHOOK_CHECKS,
  ...SERVICE_CHECKS,
];

/** Of each check; two tries of any call fit into it. */
const CHECK_WITHIN_MS = 20_000;

/** Goes through the whole checklist. Changes nothing, and never throws: a check that cannot be made is a result too. */
export const diagnose = (site: Site, onDone: (result: Result) => void): Promise<Result[]> =>
  examine(CHECKLIST, site, { timeoutMs: CHECK_WITHIN_MS, onDone });
