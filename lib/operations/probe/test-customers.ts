import { probeCustomerEmail } from '../../domain/test-customer.ts';
import { reasonOf } from '../../settings/setup-error.ts';
import type { Answer, Ask } from './ask.ts';
import { bill, recordFix, signUp } from './calls.ts';
import { type Memory, type MemoryStore, updateMemory } from './memory.ts';

export interface CustomerDeps {
  readonly ask: Ask;
  readonly memory: MemoryStore;
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
  /** @throws Error if the customer is not removed */
  readonly removeCustomer: (email: string) => Promise<'removed' | 'waiting' | 'unknown'>;
}

const DAY_MS = 24 * 60 * 60_000;
/** Time between sign-ups, so that a broken release does not cause one a minute. */
const RETRY_MS = 10 * 60_000;
/** No more sign-ups while so many customers could not be removed. */
const MAX_LEAVING = 5;
/** By then a sign-up without an answer has succeeded or failed. */
const UNANSWERED_MS = 5 * 60_000;
const LATE_MS = 60 * 60_000;

/** @param isGone the API knows neither the customer's key nor their fix any longer */
export function needsCustomer(
  { customer, signedUpAt, leaving }: Memory,
  now: Date,
  isGone: boolean,
): boolean {
  const since = (at: string) => now.getTime() - Date.parse(at);
  if (leaving.length >= MAX_LEAVING) return false;
  if (signedUpAt !== null && since(signedUpAt) < RETRY_MS) return false;
  return customer === null || isGone || since(customer.since) >= DAY_MS;
}

/**
 * Signs a customer up, and records and bills a fix. The customer takes the place of the former one, which the
 * next run removes. A new customer whose fix is not billed is removed instead.
 */
export async function replaceCustomer({
  ask,
  memory: store,
  now,
  randomBytes,
}: CustomerDeps): Promise<Answer> {
  const email = probeCustomerEmail(randomBytes(8));
  const since = now().toISOString();
  await updateMemory(store, (memory) => ({
    ...memory,
    signedUpAt: since,
    leaving: [...memory.leaving, { email, since }],
  }));
  const signedUp = await ask(signUp(email));
  if (signedUp.kind !== 'right') return signedUp;
  const apiKey = String(signedUp.fields['api_key']);
  const recorded = await ask(recordFix(apiKey));
  if (recorded.kind !== 'right') return recorded;
  const fixId = String(recorded.fields['id']);
  const billed = await ask(bill({ apiKey, fixId }));
  if (billed.kind !== 'right') return billed;
  await updateMemory(store, (memory) => ({
    customer: { email, apiKey, fixId, since },
    signedUpAt: since,
    leaving: [
      ...memory.leaving.filter((one) => one.email !== email),
      ...(memory.customer === null ? [] : [{ email: memory.customer.email, since }]),
    ],
  }));
  return billed;
}

/**
 * Removes the first customer in line. One that cannot be removed goes to the end of the line.
 * @returns why nothing was removed; null if there is nothing to report
 */
export async function removeFirst(deps: CustomerDeps, { leaving: [first] }: Memory): Promise<string | null> {
  if (first === undefined) return null;
  const isYoung = deps.now().getTime() - Date.parse(first.since) < UNANSWERED_MS;
  const outcome = await deps
    .removeCustomer(first.email)
    .catch((error: unknown) => ({ reason: reasonOf(error) }));
  const isDone = outcome === 'removed' || (outcome === 'unknown' && !isYoung);
  await updateMemory(deps.memory, (memory) => {
    const others = memory.leaving.filter(({ email }) => email !== first.email);
    return { ...memory, leaving: isDone ? others : [...others, first] };
  });
  if (typeof outcome === 'object') return outcome.reason;
  return outcome === 'waiting' ? 'Events of Stripe have not arrived.' : null;
}

/** The number of customers that should have been removed long ago. */
export const lateCustomers = ({ leaving }: Memory, now: Date): number =>
  leaving.filter(({ since }) => now.getTime() - Date.parse(since) > LATE_MS).length;
