import type { CustomerHead } from '../../domain/customer.ts';
import type { PullRequest } from '../../domain/fix-attempt.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeFix } from '../../store/fix-attempts.ts';
import { keys } from '../../store/keys.ts';
import { readFound, type Table } from '../../store/table.ts';
import { isFault } from '../../stripe/fault.ts';
import type {
  CreditNoteDocument,
  DisputeDocument,
  InvoiceDocument,
  Page,
  PaymentDocument,
  StripePort,
} from '../../stripe/port.ts';
import { paymentsFault } from '../payments/payment-problems.ts';

export const DOCUMENT_LISTS = ['payments', 'invoices', 'credit-notes', 'disputes'] as const;
export type DocumentList = (typeof DOCUMENT_LISTS)[number];

export interface WantedDocuments {
  /** One list; null for the newest of all. */
  readonly list: DocumentList | null;
  /** `next` of the previous page; null for the first page. */
  readonly after: string | null;
  /** Those of the previous Stripe customer, which was deleted at Stripe. */
  readonly isFormer: boolean;
}

export type ShownPayment = PaymentDocument & { readonly pullRequest: PullRequest | null };
export type ShownDispute = DisputeDocument & { readonly payment: ShownPayment | null };

/** The lists that were read; the others are null. */
export interface Documents {
  readonly payments: Page<ShownPayment> | null;
  readonly invoices: Page<InvoiceDocument> | null;
  readonly creditNotes: Page<CreditNoteDocument> | null;
  readonly disputes: Page<ShownDispute> | null;
}

const NOTHING_READ: Documents = { payments: null, invoices: null, creditNotes: null, disputes: null };

/** Documents of each list on the page of all lists, and on the page of one list. */
const SHOWN_OF_ALL = 10;
const SHOWN_OF_ONE = 25;
/** A page of disputes looks through this many payments, and reads the disputes of at most three. */
const SEARCHED = 100;
const DISPUTED = 3;

/** `none`: Stripe does not know the customer, or no longer lists the documents of a deleted one. */
export type ReadDocuments = Documents | 'none' | 'unavailable';

/**
 * A customer's documents at Stripe: at most 4 calls to Stripe, and one read of the fixes that they name.
 * Changes nothing.
 * @throws BillingError payments_misconfigured, ledger_unavailable; invalid_request if Stripe does not know
 *   the document after which the page starts
 */
export async function readDocuments(
  deps: PaymentDeps,
  head: CustomerHead,
  wanted: WantedDocuments,
): Promise<ReadDocuments> {
  const stripeCustomerId = stripeCustomerOf(head, wanted);
  if (stripeCustomerId === null) return 'none';
  try {
    const lists = new Lists(await deps.stripe(), deps.table, head, stripeCustomerId);
    return await READ[wanted.list ?? 'all'](lists, wanted.after);
  } catch (error) {
    return answerTo(error, wanted);
  }
}

function answerTo(error: unknown, { after }: WantedDocuments): ReadDocuments {
  const fault = paymentsFault(error);
  if (isFault(error, 'refused')) {
    if (after === null) return 'none';
    const detail = 'There are no such documents. Open them from the menu.';
    throw new BillingError('invalid_request', detail, {}, { cause: error });
  }
  if (fault instanceof BillingError && fault.code === 'payments_unavailable') return 'unavailable';
  throw fault;
}

const stripeCustomerOf = (
  { stripeCustomerId, formerStripeCustomerId }: CustomerHead,
  { isFormer }: WantedDocuments,
): string | null => (isFormer ? formerStripeCustomerId : (stripeCustomerId ?? formerStripeCustomerId));

type Read = (lists: Lists, after: string | null) => Promise<Documents>;

const READ: Readonly<Record<DocumentList | 'all', Read>> = {
  all: async (lists) => {
    const window = { after: null, limit: SHOWN_OF_ALL };
    const [payments, invoices, creditNotes, disputes] = await Promise.all([
      lists.payments(window),
      lists.invoices(window),
      lists.creditNotes(window),
      lists.openDispute(),
    ]);
    return { payments, invoices, creditNotes, disputes };
  },
  payments: async (lists, after) => ({
    ...NOTHING_READ,
    payments: await lists.payments({ after, limit: SHOWN_OF_ONE }),
  }),
  invoices: async (lists, after) => ({
    ...NOTHING_READ,
    invoices: await lists.invoices({ after, limit: SHOWN_OF_ONE }),
  }),
  'credit-notes': async (lists, after) => ({
    ...NOTHING_READ,
    creditNotes: await lists.creditNotes({ after, limit: SHOWN_OF_ONE }),
  }),
  disputes: async (lists, after) => ({ ...NOTHING_READ, disputes: await lists.disputes(after) }),
};

/** The other documents are shown even if Stripe no longer has a dispute. */
function nullIfMissing(error: unknown): null {
  if (isFault(error, 'refused')) return null;
  throw error;
}

type Window = Parameters<StripePort['listPayments']>[1];

/** The lists of one Stripe customer. */
class Lists {
  readonly #port: StripePort;
  readonly #table: Table;
  readonly #head: CustomerHead;
  readonly #stripeCustomerId: string;

  constructor(port: StripePort, table: Table, head: CustomerHead, stripeCustomerId: string) {
    this.#port = port;
    this.#table = table;
    this.#head = head;
    this.#stripeCustomerId = stripeCustomerId;
  }

  async payments(window: Window): Promise<Page<ShownPayment>> {
    const { items, next } = await this.#port.listPayments(this.#stripeCustomerId, window);
    return { items: await this.#withPullRequests(items), next };
  }

  invoices(window: Window): Promise<Page<InvoiceDocument>> {
    return this.#port.listInvoices(this.#stripeCustomerId, window);
  }

  creditNotes(window: Window): Promise<Page<CreditNoteDocument>> {
    return this.#port.listCreditNotes(this.#stripeCustomerId, window);
  }

  /** One of the open disputes. The head has their ids, because Stripe lists disputes only by charge. */
  async openDispute(): Promise<Page<ShownDispute>> {
    const [id] = this.#head.openDisputes;
    if (id === undefined) return { items: [], next: null };
    const dispute = await this.#port.readDispute(id).catch(nullIfMissing);
    return { items: dispute === null ? [] : [{ ...dispute, payment: null }], next: null };
  }

  /** The disputes of one page of payments. `next` is the id of a payment. */
  async disputes(after: string | null): Promise<Page<ShownDispute>> {
    const { items, next } = await this.#port.listPayments(this.#stripeCustomerId, { after, limit: SEARCHED });
    const disputed = items.filter(({ isDisputed }) => isDisputed);
    const payments = await this.#withPullRequests(disputed.slice(0, DISPUTED));
    const found = await Promise.all(
      payments.map(async (payment) =>
        (await this.#port.listDisputesOf(payment.id)).map((dispute) => ({ ...dispute, payment })),
      ),
    );
    const isCut = disputed.length > DISPUTED;
    return { items: found.flat(), next: isCut ? (payments.at(-1)?.id ?? null) : next };
  }

  async #withPullRequests(payments: readonly PaymentDocument[]): Promise<ShownPayment[]> {
    const ids = payments.map(({ fixAttemptId }) => fixAttemptId).filter((id) => id !== null);
    if (ids.length === 0) return payments.map((payment) => ({ ...payment, pullRequest: null }));
    const { customerId } = this.#head;
    const found = await readFound(this.#table, [...new Set(ids)], (id) => keys.fix(customerId, id));
    const fixes = new Map(found.map(([id, item]) => [id, decodeFix(item)]));
    return payments.map((payment) => ({
      ...payment,
      pullRequest: fixes.get(payment.fixAttemptId ?? '') ?? null,
    }));
  }
}
