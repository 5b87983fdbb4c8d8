import type { CustomerHead } from '../../domain/customer.ts';
import { isAddressConfirmed } from '../../domain/email-state.ts';
import { countOf, dayOf, type LetterCount, nextDay } from '../../domain/notices/caps.ts';
import { abandonedBefore } from '../../domain/notices/delivery.ts';
import type { Deps } from '../../runtime/deps.ts';
import type { NoticeName } from '../../store/keys.ts';
import { claimNotice, type StoredNotice } from '../../store/notices.ts';
import { holdNotice } from '../../store/outbox/held-notices.ts';
import { countLetter, decodeLettersOfDay } from '../../store/outbox/letters-of-day.ts';
import type { Item, Write } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';

/** `held`: the customer gets no more letters today. `taken`: another delivery has the notice. */
export type Claimed = 'claimed' | 'held' | 'taken';

/**
 * Claims a notice whose letter is to be sent, and counts the letter in the same transaction. Holds the notice
 * until the next day if its letter would exceed the day's cap.
 * @param letters the stored count of the day
 * @param alongside what is written with the claim
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function claimLetter(
  deps: Deps,
  { notice, head, letters }: Letter,
  claimedAt: Date,
  alongside: readonly Write[],
): Promise<Claimed> {
  const { customerId, id, content } = notice;
  const name: NoticeName = { customerId, kind: content.kind, id };
  const today = dayOf(claimedAt);
  const abandoned = abandonedBefore(claimedAt);
  for (let stored = letters; ; ) {
    const count = countFor(notice, head, stored, today);
    if (count.kind === 'full') {
      const until = nextDay(claimedAt);
      const held = await retryContended(deps, () => holdNotice(deps.table, name, until, abandoned));
      return held.kind === 'written' ? 'held' : 'taken';
    }
    const isCounted = count.kind === 'counted';
    const result = await retryContended(deps, () =>
      claimNotice(deps.table, name, claimedAt, abandoned, isCounted ? { countedOn: today } : {}, [
        ...(isCounted ? [countLetter(customerId, today, count)] : []),
        ...alongside,
      ]),
    );
    if (result.kind === 'written') return 'claimed';
    const [isTaken, isFull] = result.failed;
    if (isTaken || !isFull) return 'taken';
    // The cap was reached meanwhile. Counts only grow within a day, so the next round sees this cap as full.
    stored = result.winners[1];
  }
}

interface Letter {
  readonly notice: StoredNotice;
  readonly head: CustomerHead;
  readonly letters: Item | undefined;
}

/** A letter that is sent again on the same day was counted before. */
const countFor = (
  { content, countedOn }: StoredNotice,
  head: CustomerHead,
  letters: Item | undefined,
  today: string,
): LetterCount =>
  countedOn === today
    ? { kind: 'free' }
    : countOf(content.kind, decodeLettersOfDay(letters), isAddressConfirmed(head));
