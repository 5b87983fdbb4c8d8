import type { BilledFacts, FixAttempt, FixCharge, RecordedFix } from '../domain/fix-attempt.ts';
import { CONDITIONS } from './conditions.ts';
import { dueAt, NOT_DUE } from './due-work.ts';
import { decodeFix, encodeBilled, encodeCharge, encodeNewFix } from './items.ts';
import { keys } from './keys.ts';
import { type Item, type Table, type Write, type WriteResult, writeOne } from './table.ts';
import { put, update } from './write.ts';

export type RecordFixResult =
  | { readonly kind: 'recorded' }
  | { readonly kind: 'exists'; readonly fix: FixAttempt }
  | { readonly kind: 'contended' };

/** Stores a fix attempt unless the pull request has one already. A repeat is safe: the first one stays. */
export async function putNewFix(
  table: Table,
  customerId: string,
  fix: RecordedFix,
): Promise<RecordFixResult> {
  const result: WriteResult = await writeOne(
    table,
    put(encodeNewFix(customerId, fix), CONDITIONS.FIX_IS_NEW),
  );
  switch (result.kind) {
    case 'written':
      return { kind: 'recorded' };
    case 'contended':
      return result;
    case 'refused': {
      const [winner] = result.winners;
      return winner ? { kind: 'exists', fix: decodeFix(winner) } : { kind: 'contended' };
    }
    default:
      return result satisfies never;
  }
}

/** Marks a fix as billed by a credit. */
export function billFix(
  customerId: string,
  fix: Pick<FixAttempt, 'id' | 'charge'>,
  billed: BilledFacts,
): Write {
  return updateFix(customerId, fix, {
    set: { billed: encodeBilled(billed) },
    onlyIfNotBilled: true,
  });
}

/** Announces a charge: from here on the sweeper finds it, and nobody else may bill the fix. */
export function announceCharge(
  customerId: string,
  fix: Pick<FixAttempt, 'id' | 'charge'>,
  charge: FixCharge,
): Write {
  return updateFix(customerId, fix, {
    set: { charge: encodeCharge(charge), ...dueAt('charge', new Date(charge.startedAt)) },
    onlyIfNotBilled: true,
  });
}

/** Marks a fix as billed by a payment. Its own attempt is over with that; a later one that is under way is not. */
export function billChargedFix(
  customerId: string,
  fix: Pick<FixAttempt, 'id' | 'charge'>,
  billed: BilledFacts,
  attempt: number,
): Write {
  const { charge } = fix;
  const own = charge?.attempt === attempt ? charge : null;
  return updateFix(customerId, fix, {
    set: {
      billed: encodeBilled(billed),
      ...(own && {
        charge: encodeCharge({ ...own, state: 'closed', paymentIntentId: billed.paymentIntentId }),
      }),
    },
    remove: own ? NOT_DUE : [],
    onlyIfNotBilled: true,
  });
}

/** Moves a charge on from where it was read; it is not due any more. */
export function endCharge(
  customerId: string,
  fix: Pick<FixAttempt, 'id' | 'charge'>,
  charge: FixCharge,
): Write {
  return updateFix(customerId, fix, { set: { charge: encodeCharge(charge) }, remove: NOT_DUE });
}

/** Notes how much of what was paid for a fix went back. */
export function noteRefund(
  customerId: string,
  fix: Pick<FixAttempt, 'id' | 'charge'>,
  refundedCents: number,
): Write {
  return updateFix(customerId, fix, { set: { refunded_cents: refundedCents } });
}

/** Notes that the fix's owner is told, beside this, that it is blocked. */
export function noteBlocked(
  customerId: string,
  fix: Pick<FixAttempt, 'id' | 'charge'>,
  raisedSeq: number,
): Write {
  return updateFix(customerId, fix, { set: { blocked_at_raise: raisedSeq }, onlyIfNotBilled: true });
}

interface FixChange {
  readonly set: Item;
  readonly remove?: readonly string[];
  readonly onlyIfNotBilled?: boolean;
}

/** Every change of a fix holds only while its charge stands where it was read. */
function updateFix(
  customerId: string,
  { id, charge }: Pick<FixAttempt, 'id' | 'charge'>,
  { set, remove = [], onlyIfNotBilled = false }: FixChange,
): Write {
  return update(
    keys.fix(customerId, id),
    { set, remove },
    [
      ...(onlyIfNotBilled ? [CONDITIONS.FIX_NOT_BILLED] : []),
      charge === null ? CONDITIONS.CHARGE_IS_ABSENT : CONDITIONS.CHARGE_UNMOVED,
    ],
    charge === null ? {} : { attempt: charge.attempt, state: charge.state },
  );
}
