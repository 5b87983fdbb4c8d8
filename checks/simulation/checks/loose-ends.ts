import { keys } from '../../../lib/store/keys.ts';
import type { Item } from '../../../lib/store/table.ts';
import { isHandled } from '../../../lib/stripe/event-types.ts';
import { idOf } from '../../../lib/stripe/reference.ts';
import { MAX_CALLS } from '../commands.ts';
import type { World } from '../world.ts';
import { forPeople } from './for-people.ts';
import type { Stored } from './stored.ts';

/** Unfinished work that no schedule resumes. Parked events wait for a person. */
export function openWork({ double, deps }: World, { all }: Stored): string[] {
  const now = deps.now().toISOString();
  const left = forPeople(double.state);
  return (
    all
      .filter((item) => item['due'] !== undefined && item['due'] !== 'parked')
      // A reminder waits for its time.
      .filter(({ due, due_at: dueAt }) => due !== 'reminder' || String(dueAt) <= now)
      .filter((item) => !left.has(String(item['payment_intent_id'])))
      .map((item) => `${item['pk']} ${item['sk']} is still due (${item['due']})`)
  );
}

/** Ledger items and guards must not expire: without its guard, an effect could happen again. */
export const expiring = ({ all }: Stored): string[] =>
  all
    .filter(({ sk }) =>
      /^(LEDGER#|FIX#|ONCE#(invoice|adjustment|card_bonus|double_payment)#)/.test(String(sk)),
    )
    .filter((item) => item['expires_at'] !== undefined)
    .map(({ pk, sk }) => `${pk} ${sk} expires`);

/** A closed account must have no valid key. */
export function keysOfClosed(stored: Stored): string[] {
  return stored.heads
    .filter((head) => head['closed_at'])
    .flatMap(({ pk }) => stored.under(String(pk), 'KEY#'))
    .filter((key) => key['revoked_at'] === undefined)
    .map(({ pk, sk }) => `${pk} is closed, and ${sk} is still valid`);
}

/** A customer whose account is open must have a key for it: the last one is never revoked. */
export const lockedOut = ({ closing }: World, stored: Stored): string[] =>
  stored.heads
    .filter((head) => !closing.has(String(head['customer_id'])))
    .filter(({ pk }) => !stored.under(String(pk), 'KEY#').some(isAccountKey))
    .map(({ pk }) => `${pk} has no active key for the account`);

const isAccountKey = (key: Readonly<Record<string, unknown>>): boolean =>
  key['revoked_at'] === undefined && key['scope'] !== 'fixes';

/** Stripe must have no personal data of a closed account. */
export function leftAtStripe({ double: { state } }: World, stored: Stored): string[] {
  const closed = new Set(stored.heads.filter((head) => head['closed_at']).map((head) => head['customer_id']));
  const theirs = state.customers.newestFirst.filter(({ metadata }) => closed.has(metadata['customer_id']));
  return [
    ...theirs
      .filter(({ name, email }) => name || email)
      .map(({ id }) => `${id} of a closed account has a name`),
    ...state.paymentMethods.newestFirst
      .filter(({ customer }) => theirs.some(({ id }) => id === customer))
      .map(({ id }) => `${id} of a closed account is still on file`),
    ...state.subscriptions.newestFirst
      .filter(
        ({ status, customer, items }) =>
          !/^(canceled|incomplete_expired)$/.test(status) &&
          // The service must not end subscriptions to other products.
          items.data.some(({ price }) => price.metadata['plan'] !== undefined) &&
          theirs.some(({ id }) => id === customer),
      )
      .map(({ id, status }) => `${id} of a closed account is ${status}`),
  ];
}

/** Notices that were not sent or sent too often, and missing warnings. */
export function wrongNotices({ mails, double: { state } }: World, stored: Stored): string[] {
  const found = stored.all
    .filter((item) => String(item['sk']).startsWith('NOTICE#'))
    .filter(({ state }) => state !== 'sent' && state !== 'muted' && state !== 'scheduled')
    .filter((item) => !isInDigest(item, stored))
    .map((item) => `${item['pk']} ${item['sk']} is ${item['state']}, neither sent nor muted`);
  for (const head of stored.heads) {
    const level = head['balance_level'];
    if ((level !== 'low' && level !== 'exhausted') || head['closed_at']) continue;
    const sk = `NOTICE#${level === 'low' ? 'low_balance' : 'exhausted'}#${head['raised_seq']}`;
    if (stored.find({ pk: String(head['pk']), sk }) === undefined)
      found.push(`${head['pk']} was not warned: ${sk}`);
  }
  for (const [label, senders] of mails) {
    // A sender without a crash or fault stores that it sent the message, so the message is not sent again.
    const withoutFault = senders.filter(({ isDead, faults }) => !isDead && faults === null);
    if (withoutFault.length > mostOf(label, state))
      found.push(`${label} was sent ${withoutFault.length} times`);
  }
  return found;
}

/**
 * Two letters are right for a charge that needs confirmation and is then declined, and for a dispute that is
 * closed and then appealed. A payment is returned again after each refund that failed, and after a dispute
 * that had returned it and was then won.
 */
function mostOf(label: string, { refunds, disputes }: World['double']['state']): number {
  const refunded = / refund_made#(pi_[^-]+)/.exec(label)?.[1];
  if (refunded === undefined) return / (card_declined|dispute|dispute_closed)#/.test(label) ? 2 : 1;
  const failed = ({ payment_intent: id, status }: (typeof refunds.newestFirst)[number]): boolean =>
    idOf(id) === refunded && status === 'failed';
  const disputed = disputes.newestFirst.filter(({ payment_intent: id }) => idOf(id) === refunded);
  return 1 + refunds.newestFirst.filter(failed).length + disputed.length;
}

/** Whether a notice was joined into a digest that names it. The digest itself is checked like every notice. */
function isInDigest({ pk, sk, state, joined_in: digest }: Item, stored: Stored): boolean {
  if (state !== 'joined') return false;
  const found = stored.find({ pk: String(pk), sk: `NOTICE#digest#${digest}` });
  return found !== undefined && JSON.stringify(found['content']).includes(String(sk).slice('NOTICE#'.length));
}

/** Rate-limit windows with more calls than the limit. */
export const fullWindows = ({ all }: Stored): string[] =>
  all
    .filter(({ hits }) => Array.isArray(hits) && hits.length > MAX_CALLS)
    .map(({ pk }) => `${pk} allowed more than ${MAX_CALLS} calls`);

/** Handled events of Stripe without a record. */
export const unrecordedEvents = ({ double }: World, stored: Stored): string[] =>
  double.state.events.newestFirst
    .filter(({ id, type }) => isHandled(type) && stored.find(keys.event(id)) === undefined)
    .map(({ id, type }) => `event ${id} (${type}) has no record`);
