import type { Notice } from '../notice.ts';

/**
 * Delivery states. `muted`: never sent, because its kind is turned off, the account is closed, its reason is
 * outdated, or another letter says the same. `held`: beyond the day's cap, so it waits for the next day's
 * digest. `joined`: the digest has it. `scheduled`: a reminder whose time has not come.
 */
export const NOTICE_STATES = [
  ...(['pending', 'sending', 'sent', 'failed', 'muted'] as const),
  ...(['held', 'joined', 'scheduled'] as const),
] as const;
export type NoticeState = (typeof NOTICE_STATES)[number];

/** Whether the notice still has to be sent, alone or in a digest. */
export const isUnsent = ({ state }: { readonly state: NoticeState }): boolean =>
  state !== 'sent' && state !== 'muted' && state !== 'joined' && state !== 'scheduled';

/** Longer than a delivery can take: its function times out earlier. */
const CLAIM_HOLDS_MS = 2 * 60 * 1000;

/** An unfinished delivery that was claimed before this time is abandoned. */
export const abandonedBefore = (now: Date): Date => new Date(now.getTime() - CLAIM_HOLDS_MS);

/** Whether the reader has got the letter, or will get it without further action, alone or in a digest. */
export const isSaid = (
  notice: Pick<Notice, 'createdAt'> & { readonly state: NoticeState; readonly claimedAt: string | null },
  now: Date,
): boolean => {
  const { state } = notice;
  if (state === 'sending') return !needsResend(notice, now);
  return state === 'sent' || state === 'held' || state === 'joined';
};

/**
 * Whether a notice waits for a person to send it again. Its delivery failed, stopped halfway, or did not
 * start within the time of a delivery, for example because the stream was down.
 */
export function needsResend(
  {
    state,
    createdAt,
    claimedAt,
  }: Pick<Notice, 'createdAt'> & { readonly state: NoticeState; readonly claimedAt: string | null },
  now: Date,
): boolean {
  const isOld = (since: string) => Date.parse(since) < abandonedBefore(now).getTime();
  switch (state) {
    case 'failed':
      return true;
    case 'sending':
      return isOld(claimedAt ?? createdAt);
    case 'pending':
      return isOld(createdAt);
    case 'sent':
    case 'muted':
    // The next run that makes digests joins it.
    case 'held':
    case 'joined':
    case 'scheduled':
      return false;
    default:
      return state satisfies never;
  }
}
