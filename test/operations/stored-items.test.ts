import { BatchGetCommand, GetCommand, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { closeCustomer } from '../../lib/operations/accounts/close-customer.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { sweep } from '../../lib/operations/work/sweep.ts';
import { listApiKeys } from '../../lib/store/api-keys.ts';
import { keys, mayExpire } from '../../lib/store/keys.ts';
import { readEntriesDown, readHeadAndNewest } from '../../lib/store/ledger.ts';
import { hitRateLimit } from '../../lib/store/rate-limits.ts';
import type { Item } from '../../lib/store/table.ts';
import { recordedFix } from '../support/customers.ts';
import { documents, middlewareOf } from '../support/documents.ts';
import { type Books, openBooks, reconciled, soundTown } from '../support/reconciliation.ts';

/* What holds for every item and every read, in all operations. */

/** Runs everything that customers, Stripe, schedules and operators do, on one table. */
async function everythingHappens(books: Books): Promise<void> {
  const { deps, table } = books;
  const { payer, pro, trial } = await soundTown(books);
  await billFixAttempt(deps, pro.customerId, await recordedFix(deps, pro.customerId, 7));
  await adjustCredits(deps, pro.customerId, { amount: 3, reason: 'r', actor: 'a', idempotencyKey: 'k' });
  await books.later(32);
  await books.deliver();
  const { data } = await books.stripe.charges.list({ customer: pro.stripeCustomerId });
  await books.stripe.refunds.create({ charge: data[0]?.id ?? '', amount: 100 });
  await books.deliver();
  await readHeadAndNewest(table, pro.customerId, 10);
  await readEntriesDown(table, pro.customerId, null, 10);
  await listApiKeys(table, trial.customerId);
  await hitRateLimit(table, 'test', { limit: 2, windowSeconds: 60 }, deps.now());
  await closeCustomer(deps, payer.customerId);
  await sweep(deps, 0);
  await reconciled(books);
  await reconciled(books, { largeAboveUnits: 0 });
}

it('only listed items may expire: no guard, no entry, no head, no fix and no key', async () => {
  const books = await openBooks();
  await everythingHappens(books);
  const { Items: items = [] } = await documents(books.table).send(
    new ScanCommand({ TableName: books.table.name, ConsistentRead: true }),
  );
  const nameOf = ({ pk, sk }: Item) =>
    `${String(pk).split('#')[0]} ${String(sk).split('#').slice(0, 2).join('#')}`;
  const expiring = items.filter((item) => 'expires_at' in item);
  const wrong = expiring.filter(({ pk, sk }) => !mayExpire({ pk: String(pk), sk: String(sk) }));
  expect(wrong.map(nameOf)).toEqual([]);
  expect(expiring.length).toBeGreaterThan(3);
  // These items include the guards and the sold price, which never expire.
  const kept = new Set(items.filter((item) => !('expires_at' in item)).map(nameOf));
  const guards = ['CUSTOMER ONCE#invoice', 'CUSTOMER ONCE#adjustment', 'CUSTOMER ONCE#card_bonus'];
  for (const name of [...guards, 'PRICE SOLD']) expect([...kept]).toContain(name);
});

it('the key of a guard is never one that may expire', () => {
  for (const kind of ['adjustment', 'invoice', 'card_bonus', 'double_payment'] as const)
    expect(mayExpire(keys.once('c', kind, 'x'))).toBe(false);
  const ledger = [
    keys.head('c'),
    keys.entry('c', 1),
    keys.fix('c', 'f'),
    keys.apiKey('c', 'k'),
    keys.order('c'),
  ];
  const others = [keys.email('a@b.c'), keys.card('f'), keys.stripe('cus_1'), keys.closing('c')];
  for (const key of [...ledger, ...others, keys.soldPrice('pro')]) expect(mayExpire(key)).toBe(false);
});

it('every listing of a partition and every read by key is strongly consistent, except the index and the scans of audits', async () => {
  const books = await openBooks();
  const weak: string[] = [];
  let strong = 0;
  middlewareOf(books.table).add(
    (next, { commandName }) =>
      (args) => {
        const input: unknown = args.input;
        const isWeak = JSON.stringify(input).includes('"ConsistentRead":true') === false;
        const isRead = [QueryCommand, GetCommand, BatchGetCommand].some(({ name }) => name === commandName);
        const ofIndex = typeof input === 'object' && input !== null && 'IndexName' in input;
        if (isRead && isWeak && !ofIndex) weak.push(`${commandName} ${JSON.stringify(input)}`);
        if (isRead && !isWeak) strong += 1;
        return next(args);
      },
    { step: 'initialize', name: 'consistency' },
  );
  await everythingHappens(books);
  expect(weak).toEqual([]);
  expect(strong).toBeGreaterThan(20);
});
