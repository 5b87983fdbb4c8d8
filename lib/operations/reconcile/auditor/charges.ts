import type { Violation } from '../../../domain/ledger-records.ts';
import { readFixes } from '../../../store/audit/parts.ts';
import { type AnnouncedReturn, readAnnouncedReturns } from '../../../store/audit/return-work.ts';
import type { RawCharge, RawReturned } from '../../../stripe/port/audit.ts';
import { moneyDifference } from './findings.ts';
import { type Inquiry, isDue } from './inquiry.ts';
import type { PaidBack } from './invoice-value.ts';

/* Every charge of a customer: what it bought, and how much of it was returned. */

export interface ChargesAudit {
  readonly found: readonly Violation[];
  /** The same for payments that were being returned. An event may still explain them. */
  readonly changed: readonly Violation[];
  /** Charges for fixes that are, or should be, in the ledger. */
  readonly count: number;
  readonly cashCents: number;
  /** Charges that are old enough to be in the ledger, by payment intent or charge. */
  readonly charged: ReadonlyMap<
    string,
    { readonly created: number; readonly cents: number; readonly isKnown: boolean }
  >;
  readonly returnedCents: number;
  /** What was returned, by payment intent, or by charge if there is none. */
  readonly back: ReadonlyMap<string, PaidBack>;
  readonly openDisputes: readonly string[];
  /** Every paid charge: an event still on its way may report that its refund failed. */
  readonly chargeIds: readonly string[];
  /** Payments that have a purchase in the ledger. */
  readonly matched: ReadonlySet<string>;
  /** When each paid fix was charged, and the amount. */
  readonly paidFixes: readonly {
    readonly paymentIntentId: string;
    readonly askedAt: number;
    readonly cents: number;
  }[];
}

/** @throws StripeFault `refused` if Stripe no longer lists this customer's charges */
export async function auditCharges(inquiry: Inquiry, stripeCustomerId: string): Promise<ChargesAudit> {
  const seen = new ChargesCollector();
  let after: string | null = null;
  do {
    await inquiry.beforeAsking(1);
    const page: Awaited<ReturnType<Inquiry['stripe']['rawCharges']>> = await inquiry.stripe.rawCharges(
      stripeCustomerId,
      after,
    );
    await auditPage(inquiry, seen, page.items);
    after = page.next;
  } while (after !== null);
  return seen;
}

class ChargesCollector implements ChargesAudit {
  readonly found: Violation[] = [];
  readonly changed: Violation[] = [];
  count = 0;
  cashCents = 0;
  readonly charged = new Map<string, { created: number; cents: number; isKnown: boolean }>();
  returnedCents = 0;
  readonly back = new Map<string, PaidBack>();
  readonly openDisputes: string[] = [];
  readonly chargeIds: string[] = [];
  readonly matched = new Set<string>();
  readonly paidFixes: ChargesAudit['paidFixes'][number][] = [];
}

async function auditPage(
  inquiry: Inquiry,
  seen: ChargesCollector,
  charges: readonly RawCharge[],
): Promise<void> {
  const paid = charges.filter(({ isPaid }) => isPaid);
  const fixes = paid.flatMap(({ paymentIntentId, metadata }) =>
    metadata['purpose'] === 'fix' && paymentIntentId !== null ? [paymentIntentId] : [],
  );
  const { table, customerId, meter, facts } = inquiry;
  const announced = await readAnnouncedReturns(table, customerId, fixes, meter);
  const unknown = paid.filter(({ paymentIntentId }) => !facts.purchases.has(paymentIntentId ?? ''));
  const attempts = await readAttempts(inquiry, unknown);
  for (const charge of paid) {
    const announcedReturn = announced.get(charge.paymentIntentId ?? '');
    const returned = await readReturned(inquiry, charge, announcedReturn !== undefined);
    const back = note(seen, charge, returned);
    const paymentId = charge.paymentIntentId ?? charge.id;
    const isKnown = facts.purchases.has(paymentId) || announcedReturn !== undefined;
    if (isDue(inquiry, charge.created))
      seen.charged.set(paymentId, { created: charge.created, cents: charge.capturedCents, isKnown });
    if (charge.metadata['purpose'] === 'fix')
      auditFixPayment(inquiry, seen, charge, back, { returned, announcedReturn, attempts });
  }
}

/** The number of announced charge attempts of each of these fixes. */
async function readAttempts(
  { table, customerId, meter }: Inquiry,
  charges: readonly RawCharge[],
): Promise<ReadonlyMap<string, number>> {
  const ids = charges.flatMap(({ metadata }) =>
    metadata['purpose'] === 'fix' ? (metadata['fix_attempt_id'] ?? []) : [],
  );
  const fixes = await readFixes(table, customerId, ids, meter);
  return new Map(fixes.map(({ id, announcedAttempts }) => [id, announcedAttempts]));
}

async function readReturned(
  { stripe, beforeAsking }: Inquiry,
  { id, refundedCents, isDisputed }: RawCharge,
  isReturnAnnounced: boolean,
): Promise<RawReturned> {
  const needed = { refunds: refundedCents > 0 || isReturnAnnounced, disputes: isDisputed };
  await beforeAsking(Number(needed.refunds) + Number(needed.disputes));
  return stripe.rawReturned(id, needed);
}

const HELD = new Set(['succeeded', 'pending', 'requires_action']);
/** The states of an open dispute. */
const OPEN_DISPUTE = /needs_response$|under_review$/;

/** Stores what was returned of a charge, and returns the amount. */
function note(seen: ChargesCollector, charge: RawCharge, { refunds, disputes }: RawReturned): number {
  const held = refunds.filter(({ status }) => status === null || HELD.has(status));
  const disputedCents = disputes.reduce((sum, { takenCents }) => sum + takenCents, 0);
  const refunded = held.reduce((sum, { cents }) => sum + cents, 0);
  const back = Math.max(0, Math.min(charge.capturedCents, refunded + disputedCents));
  seen.chargeIds.push(charge.id);
  if (refunds.length + disputes.length > 0) {
    seen.back.set(charge.paymentIntentId ?? charge.id, { refunds: held, disputedCents });
  }
  seen.openDisputes.push(...disputes.filter(({ status }) => OPEN_DISPUTE.test(status)).map(({ id }) => id));
  seen.cashCents += charge.capturedCents;
  seen.returnedCents += back;
  return back;
}

function auditFixPayment(
  inquiry: Inquiry,
  seen: ChargesCollector,
  charge: RawCharge,
  back: number,
  more: {
    readonly returned: RawReturned;
    readonly announcedReturn: AnnouncedReturn | undefined;
    readonly attempts: ReadonlyMap<string, number>;
  },
): void {
  const { capturedCents: cents, created, askedAt, metadata } = charge;
  const paymentIntentId = charge.paymentIntentId ?? charge.id;
  const fixId = metadata['fix_attempt_id'] ?? '';
  const purchase = inquiry.facts.purchases.get(paymentIntentId);
  if (purchase !== undefined) {
    seen.count += 1;
    seen.matched.add(paymentIntentId);
    seen.paidFixes.push({ paymentIntentId, askedAt, cents });
    if (purchase.cents !== cents) {
      const message = `entry ${purchase.seq} has ${purchase.cents} cents, but Stripe charged ${cents}`;
      seen.found.push(moneyDifference(message, purchase.seq));
    }
    return;
  }
  const kept = cents - back;
  if (kept <= 0 || !isDue(inquiry, created) || more.announcedReturn?.isOpen) return;
  seen.count += 1;
  // An event about a payment that was being returned may still be on its way.
  const findings = more.announcedReturn === undefined ? seen.found : seen.changed;
  findings.push(moneyDifference(describeKept(inquiry, paymentIntentId, fixId, { kept, cents, ...more })));
  if ((more.attempts.get(fixId) ?? 0) < Number(metadata['attempt'] ?? 0)) {
    const message = `charge ${paymentIntentId} was not announced by fix ${fixId}`;
    findings.push({ invariant: 7, seq: null, message });
  }
}

function describeKept(
  { facts }: Inquiry,
  paymentIntentId: string,
  fixId: string,
  {
    kept,
    cents,
    returned,
    announcedReturn,
  }: {
    readonly kept: number;
    readonly cents: number;
    readonly returned: RawReturned;
    readonly announcedReturn: AnnouncedReturn | undefined;
  },
): string {
  const failed = returned.refunds.find(({ status }) => status === 'failed' || status === 'canceled');
  if (failed !== undefined && announcedReturn !== undefined)
    return (
      `money short: refund ${failed.id} of payment ${paymentIntentId} is ${failed.status}, ${kept} ` +
      `of ${cents} cents were not returned`
    );
  if (announcedReturn !== undefined)
    return (
      `money short: the return of payment ${paymentIntentId} was announced, but ${kept} of ${cents} ` +
      'cents were not returned'
    );
  const isPaidTwice = [...facts.purchases.values()].some((purchase) => purchase.fixId === fixId);
  if (isPaidTwice)
    return `double payment kept: ${paymentIntentId} paid ${kept} cents for fix ${fixId} a second time`;
  return (
    `money without credits: charge ${paymentIntentId} of ${kept} cents for fix ${fixId} has no ` +
    'ledger entry'
  );
}
