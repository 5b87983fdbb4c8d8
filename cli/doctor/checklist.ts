import { type Check, examine, type Result } from './check.ts';
import { DOMAIN_CHECKS } from './domain-checks.ts';
import { SERVICE_CHECKS } from './service-checks.ts';
import type { Site } from './site.ts';
import { STACK_CHECKS } from './stack-checks.ts';
import { STRIPE_CHECKS } from './stripe-checks.ts';
import { TABLE_CHECKS } from './table-checks.ts';
import { WEBHOOK_CHECKS } from './webhook-checks.ts';

/** The production checklist, in the order of the report. Each check comes after the checks that it needs. */
export const CHECKLIST: readonly Check<Site>[] = [
  ...TABLE_CHECKS,
  ...STACK_CHECKS,
  ...DOMAIN_CHECKS,
  ...STRIPE_CHECKS,
  ...WEBHOOK_CHECKS,
  ...SERVICE_CHECKS,
];

/** The time limit of each check: enough for two tries of any call. */
const CHECK_WITHIN_MS = 20_000;

/** Runs the whole checklist. Changes nothing. Never throws: a check that could not run is a result too. */
export const diagnose = (site: Site, onDone: (result: Result) => void): Promise<Result[]> =>
  examine(CHECKLIST, site, { timeoutMs: CHECK_WITHIN_MS, onDone });
