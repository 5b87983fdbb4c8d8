import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import type { LedgerRecords, VerifiableFix } from '../../domain/ledger-records.ts';
import { type CountedSpending, countedIn, type Spending } from '../../domain/payments/spending.ts';
import { type ApiKeyRecord, countsOf, decodeApiKey } from '../api-keys.ts';
import { decodeFix } from '../fix-attempts.ts';
import { decodeHead } from '../heads.ts';
import { customerIdOf, guardNameOf, itemKind, type Key, keys, prefixes } from '../keys.ts';
import { decodeEntry } from '../ledger.ts';
import { decodeOwner } from '../owners.ts';
import { itemsOf, type Meter, readPage } from '../paging.ts';
import { decodeDoublePayment, spentByDouble } from '../payments/double-payments.ts';
import { decodeMonth } from '../payments/spending.ts';
import { type Item, readTogether, type Table } from '../table.ts';

export interface StoredRecords extends LedgerRecords {
  readonly head: CustomerHead;
  /** Double payments whose return was announced. */
  readonly returnedPaymentIntentIds: readonly string[];
}

/**
 * Everything stored for one customer, as input of `verifyLedger`; null if there is no such customer. Reads
 * the whole partition page by page, strongly consistent: for audits, never for a request. Does not call
 * Stripe.
 */
export async function readLedgerRecords(
  table: Table,
  customerId: string,
  meter?: Meter,
): Promise<StoredRecords | null> {
  const entries: LedgerRecords['entries'][number][] = [];
  const fixes: LedgerRecords['fixes'][number][] = [];
  const returnedPaymentIntentIds: string[] = [];
  const months: Spending[] = [];
  const secondPayments: CountedSpending[] = [];
  const guards = new Set<string>();
  const apiKeys: ApiKeyRecord[] = [];
  let head: CustomerHead | null = null;
  for await (const item of itemsOf(table, customerId, null, meter)) {
    const kind = itemKind(item['sk']);
    switch (kind) {
      case 'head':
        head = decodeHead(item);
        break;
      case 'entry':
        entries.push(decodeEntry(item));
        break;
      case 'fix':
        fixes.push(verifiable(decodeFix(item)));
        break;
      case 'api_key':
        apiKeys.push(decodeApiKey(item));
        break;
      case 'double_payment': {
        const double = decodeDoublePayment(item);
        returnedPaymentIntentIds.push(double.paymentIntentId);
        if (double.spendingMonth !== null)
          secondPayments.push({ month: double.spendingMonth, ...spentByDouble(double) });
        break;
      }
      case 'spending':
        months.push(decodeMonth(item));
        break;
      case 'guard':
        guards.add(guardNameOf(String(item['sk'])));
        break;
      case 'other':
        break;
      default:
        kind satisfies never;
    }
  }
  if (head === null) return null;
  // Events are not in a customer's partition, and an event is always written with its outcome.
  const owners = await readOwners(table, head, entries, meter);
  const spending = { months, secondPayments };
  const found = { head, entries, fixes, guards, ...countsOf(apiKeys), returnedPaymentIntentIds, spending };
  return { ...found, ...owners, events: [] };
}

/** The fields of a fix that an audit needs. */
export const verifiable = ({ id, billed, charge }: FixAttempt): VerifiableFix => ({
  id,
  billed: billed !== null,
  billedSeq: billed?.seq ?? null,
  announcedAttempts: charge?.attempt ?? 0,
  paymentIntentId: billed?.paymentIntentId ?? null,
  counted: countedIn({ billed, charge }),
});

/**
 * The owners of the customer's bonus cards, of the Stripe customers that the head names, and of the address.
 */
export async function readOwners(
  table: Table,
  { email, stripeCustomerId, formerStripeCustomerId }: CustomerHead,
  entries: LedgerRecords['entries'],
  meter?: Meter,
): Promise<Pick<LedgerRecords, 'cardBonuses' | 'stripeCustomers' | 'emailOwner'>> {
  // Deduplicated, even if faulty records repeat a value: a batch read rejects duplicate keys.
  const fingerprints = distinct(
    entries
      .filter(({ source }) => source === 'trial_billing_added')
      .map(({ metadata }) => String(metadata['card_fingerprint'])),
  );
  const stripeIds = distinct([stripeCustomerId, formerStripeCustomerId].filter((id) => id !== null));
  const wanted = [keys.email(email), ...fingerprints.map(keys.card), ...stripeIds.map(keys.stripe)];
  const [claim, ...items] = await readTogether(table, wanted);
  await meter?.(wanted.length);
  const owners = items.map((item) => (item === undefined ? null : decodeOwner(item)));
  // Not decoded: the error of an unreadable item names its key, which contains the address.
  const claimedBy = claim?.['customer_id'];
  return {
    emailOwner: typeof claimedBy === 'string' ? claimedBy : null,
    cardBonuses: new Map(
      fingerprints.flatMap((fingerprint, i): [string, string][] => {
        const owner = owners[i] ?? null;
        return owner === null ? [] : [[fingerprint, owner]];
      }),
    ),
    stripeCustomers: stripeIds.map((id, i) => ({ id, boundTo: owners[fingerprints.length + i] ?? null })),
  };
}

const distinct = (ids: readonly string[]): string[] => [...new Set(ids)];

/** Whether anything is stored for a customer, with or without a head. */
export async function isAnythingLeft(table: Table, customerId: string, meter?: Meter): Promise<boolean> {
  for await (const _ of itemsOf(table, customerId, null, meter)) return true;
  return false;
}

/**
 * Every customer once, even if their ledger is gone. Reads the whole table, page by page: for audits only.
 */
export async function* listCustomerIds(table: Table): AsyncGenerator<string> {
  let after: Key | null = null;
  do {
    const { customerIds, next }: SegmentPage = await scanCustomers(table, { segment: 0, of: 1, after });
    yield* customerIds;
    after = next;
  } while (after !== null);
}

/** One segment of a scan of the whole table, and where to continue in it. */
export interface Segment {
  readonly segment: number;
  readonly of: number;
  /** Null at its start. */
  readonly after: Key | null;
}

export interface SegmentPage {
  readonly customerIds: readonly string[];
  /** Where the next page begins; null at the end of the segment. */
  readonly next: Key | null;
}

/**
 * The customers on one page of a segment. A head, any entry or any API key identifies a customer, so a
 * customer without a head or a ledger is found too.
 */
export async function scanCustomers(
  table: Table,
  { segment, of, after }: Segment,
  meter?: Meter,
): Promise<SegmentPage> {
  const scan = {
    Segment: segment,
    TotalSegments: of,
    FilterExpression: 'begins_with(sk, :ledger) OR begins_with(sk, :key)',
    ProjectionExpression: 'pk',
    ExpressionAttributeValues: { ':ledger': prefixes.ledger, ':key': prefixes.apiKey },
  };
  const page = await readPage(table, scan, after === null ? undefined : { ...after }, meter);
  const customerIds = [...new Set(page.items.map(({ pk }) => customerIdOf(String(pk))))];
  return { customerIds, next: nextAfter(page.next, customerIds.at(-1)) };
}

/**
 * Where the next page starts. If this page ends before the last customer's head, the next page starts after
 * that head, so the customer is not listed twice.
 */
function nextAfter(end: Item | undefined, lastCustomerId: string | undefined): Key | null {
  if (end === undefined) return null;
  const next = { pk: String(end['pk']), sk: String(end['sk']) };
  if (lastCustomerId === undefined) return next;
  const head = keys.head(lastCustomerId);
  return next.pk === head.pk && next.sk < head.sk ? head : next;
}
