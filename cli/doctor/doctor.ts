import { examine, type Result } from './check.ts';
import { CHECKLIST } from './checklist.ts';
import type { Site } from './site.ts';

/** Of each check; two tries of any call fit into it. */
const CHECK_WITHIN_MS = 20_000;

/** How many checks there are, for whoever shows how far it has come. */
export const CHECKS = CHECKLIST.length;

/** Goes through the whole checklist. Changes nothing, and never throws: what cannot be looked at is a result too. */
export const diagnose = (site: Site, onDone: (result: Result) => void): Promise<Result[]> =>
  examine(CHECKLIST, site, { timeoutMs: CHECK_WITHIN_MS, onDone });
