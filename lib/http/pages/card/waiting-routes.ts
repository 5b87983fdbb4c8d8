import { monthOf } from '../../../domain/payments/spending.ts';
import { MAX_ON_A_BILL, waitingBill } from '../../../domain/payments/waiting-fixes.ts';
import { billWaiting } from '../../../operations/fixes/bill-waiting.ts';
import { requireHead } from '../../../operations/ledger/require-item.ts';
import type { Deps } from '../../../runtime/deps.ts';
import { paymentDeps } from '../../../runtime/payment-deps.ts';
import { decodeFix } from '../../../store/fix-attempts.ts';
import { type Key, keys } from '../../../store/keys.ts';
import { decodeCardTries } from '../../../store/payments/card-tries.ts';
import { decodeSpending, spendingKey } from '../../../store/payments/spending.ts';
import { readWaitingFixes } from '../../../store/payments/waiting-fixes.ts';
import { type Item, readFound, readTogether } from '../../../store/table.ts';
import type { Reply } from '../../reply.ts';
import { agreedCents } from '../agreed-cents.ts';
import type { SessionRequest, SignedInVisitor } from '../page-endpoint.ts';
import { billedPage, type Waiting, waitingPage } from './waiting.ts';

/* The routes for waiting fixes. A form carries the ids of its fixes and the most that they may cost. */

/** The items from which the bill for waiting fixes is computed. */
export const waitingKeys = (customerId: string, at: Date): readonly Key[] => [
  keys.head(customerId),
  keys.cardTries(customerId),
  spendingKey(customerId, at),
];

/** GET /billing/card/waiting */
export async function showWaiting(deps: Deps, request: SessionRequest): Promise<Reply> {
  const waiting = await waitingNow(deps, request.customerId, request.items, fixIn(request.query, 'after'));
  return waitingPage(waiting, signedInOf(request));
}

const FIX_ID = /^[0-9a-f]{32}$/;

/** The id of a fix in a query or a form; null if there is none. */
function fixIn(fields: URLSearchParams, name: string): string | null {
  const id = fields.get(name) ?? '';
  return FIX_ID.test(id) ? id : null;
}

/** POST /billing/card/waiting */
export async function billWaitingFixes(deps: Deps, request: SessionRequest): Promise<Reply> {
  const { customerId, form } = request;
  const signedIn = signedInOf(request);
  const mostCents = agreedCents(form);
  const ids = [...new Set((form.get('fixes') ?? '').split(','))].filter((id) => FIX_ID.test(id));
  const after = fixIn(form, 'after');
  const before = await waitingNow(deps, customerId, request.items, after);
  if (mostCents === null || ids.length === 0 || ids.length > MAX_ON_A_BILL) {
    return waitingPage(before, signedIn, 'This form is out of date. Nothing was billed.');
  }
  const named = await readFound(deps.table, ids, (id) => keys.fix(customerId, id));
  const fixes = named.map(([, item]) => decodeFix(item));
  const unbilledFixes = fixes.filter(({ billed }) => billed === null);
  const { cents } = billOf(deps, request.items, customerId, unbilledFixes);
  if (cents > mostCents) {
    const notice = 'Billing these fixes costs more now. Nothing was billed: please look at the new amount.';
    return waitingPage(before, signedIn, notice);
  }
  const result = await billWaiting(paymentDeps(deps), customerId, fixes, mostCents);
  const items = await readTogether(deps.table, waitingKeys(customerId, deps.now()));
  return billedPage(result, await waitingNow(deps, customerId, items, after), signedIn);
}

/** For a page that everyone may open, which has not read these items yet. */
export async function waitingOf(deps: Deps, { customerId, formToken }: SignedInVisitor) {
  const items = await readTogether(deps.table, waitingKeys(customerId, deps.now()));
  const { name } = requireHead(items[0], customerId);
  return { waiting: await waitingNow(deps, customerId, items, null), signedIn: { name, formToken } };
}

async function waitingNow(
  deps: Deps,
  customerId: string,
  items: readonly (Item | undefined)[],
  after: string | null,
): Promise<Waiting> {
  const { fixes, next } = await readWaitingFixes(deps.table, customerId, after);
  return { fixes, after, next, bill: billOf(deps, items, customerId, fixes) };
}

function billOf(
  { now }: Deps,
  [stored, tries, spent]: readonly (Item | undefined)[],
  customerId: string,
  fixes: Parameters<typeof waitingBill>[1],
) {
  const at = now();
  const head = requireHead(stored, customerId);
  const { cards } = decodeCardTries(tries);
  return waitingBill({ head, cards, spending: decodeSpending(spent, monthOf(at)), at }, fixes);
}

const signedInOf = ({ items: [head], customerId, formToken }: SessionRequest) => ({
  name: requireHead(head, customerId).name,
  formToken,
});
