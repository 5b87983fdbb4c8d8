import type { NoticeContent, WithoutCredits } from '../notice.ts';
import type { FixObstacle } from '../payments/charge-obstacles.ts';
import { monthOf } from '../payments/spending.ts';

/*
 * "No credits left" and "a fix is waiting" can say the same. Of all notices that give the same reason since
 * the last raise of the balance, one letter is sent in each month.
 */

/** The `raisedSeq` with which the ids of these two kinds begin; null for other kinds. */
export function raiseOf({
  kind,
  id,
}: {
  readonly kind: NoticeContent['kind'];
  readonly id: string;
}): string | null {
  if (kind === 'exhausted') return id;
  return kind === 'fix_blocked' ? (id.split('-')[0] ?? id) : null;
}

/** Why fixes are not billed, according to a notice; null if it does not say that. */
export function blockedBy(content: NoticeContent): FixObstacle | null {
  if (content.kind === 'fix_blocked') return content.reason;
  return content.kind === 'exhausted' ? obstacleOf(content) : null;
}

function obstacleOf({ hasCard, isDisputed, isOverLimit }: WithoutCredits): FixObstacle | null {
  if (!hasCard) return 'no_billing_info';
  if (isDisputed) return 'account_disputed';
  return isOverLimit ? 'spending_limit_reached' : null;
}

interface Told {
  readonly createdAt: string;
  readonly content: NoticeContent;
}

/** Whether another notice of the same raise says the same. */
export const saysTheSame = (one: Told, other: Told): boolean =>
  blockedBy(one.content) !== null &&
  blockedBy(one.content) === blockedBy(other.content) &&
  monthOf(new Date(one.createdAt)) === monthOf(new Date(other.createdAt));
