import * as z from 'zod/mini';
import {
  type BilledFacts,
  CHARGE_STATES,
  type FixAttempt,
  type FixCharge,
  type RecordedFix,
} from '../domain/fix-attempt.ts';
import { RATES } from '../domain/plans.ts';
import { CONDITIONS } from './conditions.ts';
import { dueAt, NOT_DUE } from './due-work.ts';
import { keys, prefixes } from './keys.ts';
import { itemsOf, type Meter, readPage } from './paging.ts';
import { countRecording } from './rate-limits.ts';
import { attemptNumber, count, integer, orNull, readable, record, text, UnreadableItem } from './record.ts';
import {
  answerTo,
  type Contended,
  type Item,
  type Table,
  type Write,
  type WriteResult,
  writeTogether,
} from './table.ts';
import { put, update } from './write.ts';

const Recorded = z.object({
  id: text,
  githubOrg: text,
  repoName: text,
  prNumber: integer,
  prTitle: text,
  prUrl: text,
  issueNumber: z.nullable(integer),
  issueTitle: z.nullable(text),
  issueUrl: z.nullable(text),
  vulnerabilityId: z.nullable(text),
  metadataJson: z.nullable(text),
  createdAt: text,
});

const Billed = z.object({
  outcome: z.enum(['credit_consumed', 'charged_and_consumed']),
  amountCents: count,
  billedAt: text,
  seq: count,
  paymentIntentId: z.nullable(text),
  spendingMonth: orNull(text),
});

const Charge = z.object({
  attempt: attemptNumber,
  state: z.enum(CHARGE_STATES),
  amountCents: count,
  rate: z.enum(RATES),
  stripeCustomerId: text,
  paymentMethodId: text,
  cardKey: orNull(text),
  startedAt: text,
  spendingMonth: orNull(text),
  texts: orNull(z.object({ description: text, statementSuffix: text, receiptEmail: z.nullable(text) })),
  paymentIntentId: z.nullable(text),
});

/** A fix as first recorded: not billed, so without the attribute `billed`. */
const newFixes = record<RecordedFix>(Recorded);
const fixes = record<FixAttempt>(
  z.extend(Recorded, {
    billed: orNull(Billed),
    charge: orNull(Charge),
    refundedCents: z._default(count, 0),
    blockedAtRaise: orNull(count),
    repositoryId: orNull(count),
    newestId: orNull(text),
  }),
);

export const decodeFix = (item: Item): FixAttempt => fixes.decode(item);

export const encodeNewFix = (
  customerId: string,
  fix: RecordedFix,
  repositoryId: number | null = null,
): Item => ({
  ...keys.fix(customerId, fix.id),
  ...newFixes.encode(fix),
  ...(repositoryId !== null && fixes.encodePart({ repositoryId })),
});

/** An attempt under the same names in another repository. */
export type Namesake = Pick<FixAttempt, 'id' | 'newestId'> & { readonly repositoryId: number };

export type RecordFixResult =
  | { readonly kind: 'recorded' }
  | { readonly kind: 'exists'; readonly fix: FixAttempt }
  /** The namesake has changed since it was read. */
  | { readonly kind: 'stale' }
  /** The customer has reached the day's limit of new attempts. */
  | { readonly kind: 'limited' }
  | Contended;

/**
 * Stores a fix attempt unless it exists, and counts it. Idempotent: the first record stays.
 * @param of.namesake the first attempt under these names, which then points to the new one
 */
export async function putNewFix(
  table: Table,
  customerId: string,
  fix: RecordedFix,
  of: {
    readonly repositoryId?: number | null;
    readonly namesake?: Namesake;
    readonly alongside?: readonly Write[];
  } = {},
): Promise<RecordFixResult> {
  const { repositoryId = null, namesake, alongside = [] } = of;
  const result = await writeTogether(table, [
    put(encodeNewFix(customerId, fix, repositoryId), CONDITIONS.FIX_IS_NEW),
    countRecording(customerId, fix.prNumber, new Date(fix.createdAt)),
    ...(namesake === undefined ? [] : [pointTo(customerId, namesake, fix.id)]),
    ...alongside,
  ]);
  return answerTo<RecordFixResult>(result, { kind: 'recorded' }, ({ winners: [winner], failed }) => {
    if (winner !== undefined) return { kind: 'exists', fix: decodeFix(winner) };
    return { kind: failed[1] === true ? 'limited' : 'stale' };
  });
}

/** Points the first attempt under its names to the newest one. */
const pointTo = (customerId: string, { id, repositoryId, newestId }: Namesake, to: string): Write =>
  update(keys.fix(customerId, id), { set: fixes.encodePart({ newestId: to }) }, CONDITIONS.NEWEST_UNMOVED, {
    first: repositoryId,
    newest: newestId ?? '',
  });

/** Sets a fix's repository id. Refused, with the current fix, if it has one. */
export const takeRepository = (
  table: Table,
  customerId: string,
  fixId: string,
  repositoryId: number,
): Promise<WriteResult> =>
  writeTogether(table, [
    update(
      keys.fix(customerId, fixId),
      { set: fixes.encodePart({ repositoryId }) },
      CONDITIONS.REPOSITORY_IS_UNKNOWN,
    ),
  ]);

/** A fix as the caller read it. */
type ReadFix = Pick<FixAttempt, 'id' | 'charge'>;

/** Marks a fix as billed by a credit. */
export const billFix = (customerId: string, fix: ReadFix, billed: BilledFacts): Write =>
  updateFix(customerId, fix, { set: { billed }, onlyIfNotBilled: true });

/** Announces a charge: now the sweeper finds it, and no other caller can bill the fix. */
export const announceCharge = (customerId: string, fix: ReadFix, charge: FixCharge): Write =>
  updateFix(customerId, fix, { set: { charge }, due: new Date(charge.startedAt), onlyIfNotBilled: true });

/**
 * Marks a fix as billed by a payment. Closes the payment's own attempt, but not a later attempt in flight.
 */
export function billChargedFix(
  customerId: string,
  fix: ReadFix,
  billed: BilledFacts,
  attempt: number,
): Write {
  if (fix.charge?.attempt !== attempt) return billFix(customerId, fix, billed);
  const { paymentIntentId } = billed;
  const charge: FixCharge = { ...fix.charge, state: 'closed', texts: null, paymentIntentId };
  return updateFix(customerId, fix, { set: { billed, charge }, remove: NOT_DUE, onlyIfNotBilled: true });
}

/** Stores the answer to a charge that has not changed since it was read, and makes it not due. */
export const endCharge = (customerId: string, fix: ReadFix, charge: FixCharge): Write =>
  updateFix(customerId, fix, { set: { charge: { ...charge, texts: null } }, remove: NOT_DUE });

/** Stores how much of a fix's payment was returned. */
export const noteRefund = (customerId: string, fix: ReadFix, refundedCents: number): Write =>
  updateFix(customerId, fix, { set: { refundedCents } });

/** Stores the `raisedSeq` for which the customer gets the notice that the fix is blocked. */
export const noteBlocked = (customerId: string, fix: ReadFix, blockedAtRaise: number): Write =>
  updateFix(customerId, fix, { set: { blockedAtRaise }, onlyIfNotBilled: true });

interface FixChange {
  readonly set: Partial<FixAttempt>;
  /** From when the sweeper finds the fix. */
  readonly due?: Date;
  readonly remove?: readonly string[];
  readonly onlyIfNotBilled?: boolean;
}

/** Every change of a fix requires that its charge has not changed since it was read. */
function updateFix(
  customerId: string,
  { id, charge }: ReadFix,
  { set, due, remove = [], onlyIfNotBilled = false }: FixChange,
): Write {
  return update(
    keys.fix(customerId, id),
    { set: { ...fixes.encodePart(set), ...(due && dueAt('charge', due)) }, remove },
    [
      ...(onlyIfNotBilled ? [CONDITIONS.FIX_NOT_BILLED] : []),
      charge === null ? CONDITIONS.CHARGE_IS_ABSENT : CONDITIONS.CHARGE_UNMOVED,
    ],
    charge === null ? {} : { attempt: charge.attempt, state: charge.state },
  );
}

/**
 * Removes titles, links and the caller's own data from a fix attempt. The billed pull request stays:
 * organisation, repository and number are part of the ledger's hashes. Idempotent.
 */
export async function anonymiseFix(table: Table, customerId: string, fixId: string): Promise<void> {
  const set = fixes.encodePart({
    prTitle: '',
    prUrl: '',
    issueNumber: null,
    issueTitle: null,
    issueUrl: null,
    vulnerabilityId: null,
    metadataJson: null,
  });
  await writeTogether(table, [update(keys.fix(customerId, fixId), { set }, CONDITIONS.FIX_IS_THERE)]);
}

/** A page of a customer's fixes after a sort key, strongly consistent. `next` is null on the last page. */
export async function fixPage(
  table: Table,
  customerId: string,
  after: string | null,
  limit: number,
  meter?: Meter,
): Promise<{ readonly fixes: readonly FixAttempt[]; readonly next: string | null }> {
  const pk = keys.customer(customerId);
  const query = {
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': pk, ':prefix': prefixes.fix },
    ConsistentRead: true,
    Limit: limit,
  };
  const { items, next } = await readPage(table, query, after === null ? undefined : { pk, sk: after }, meter);
  return { fixes: items.map(decodeFix), next: next === undefined ? null : String(next['sk']) };
}

/**
 * The fixes whose charge waits for Stripe or for the cardholder, and unreadable fixes, which may wait too.
 */
export async function readOpenCharges(
  table: Table,
  customerId: string,
): Promise<(FixAttempt | UnreadableItem)[]> {
  const open: (FixAttempt | UnreadableItem)[] = [];
  for await (const item of itemsOf(table, customerId, prefixes.fix)) {
    const fix = readable(decodeFix, item);
    const state = fix instanceof UnreadableItem ? null : fix.charge?.state;
    if (state === null || state === 'charging' || state === 'action_required') open.push(fix);
  }
  return open;
}

/**
 * The fixes whose payment the cardholder can approve, among the first `limit` fixes in no order. Unreadable
 * fixes are left out.
 */
export async function readFixesAwaitingApproval(
  table: Table,
  customerId: string,
  limit: number,
): Promise<{ readonly fixes: readonly FixAttempt[]; readonly isAll: boolean }> {
  const fixes: FixAttempt[] = [];
  let read = 0;
  for await (const item of itemsOf(table, customerId, prefixes.fix)) {
    if (read++ >= limit) return { fixes, isAll: false };
    const fix = readable(decodeFix, item);
    if (!(fix instanceof UnreadableItem) && fix.charge?.state === 'action_required') fixes.push(fix);
  }
  return { fixes, isAll: true };
}
