import { noticeWords, parseNoticeKey } from '../../store/keys.ts';
import { deliverNotice, type MailDeps } from './deliver-notice.ts';

/** An item's key, in the format of the table's stream. */
type StreamKey = Readonly<Record<string, { readonly S?: string | undefined }>>;

/**
 * Sends the notice stored under a key, and reports the outcome. Idempotent.
 * @throws Error if it was not sent: another delivery has claimed it, it failed, or this release does not know
 * its kind
 */
export async function deliverStored(deps: MailDeps, streamKey: StreamKey): Promise<void> {
  const key = { pk: streamKey['pk']?.S ?? '', sk: streamKey['sk']?.S ?? '' };
  const { customerId, kind: noticeKind, id: noticeId } = noticeWords(key);
  const facts = { customerId, noticeKind, noticeId };
  try {
    const name = parseNoticeKey(key);
    if (name === null) throw new Error('this release does not know this kind of notice');
    const outcome = await deliverNotice(deps, name);
    if (outcome === 'taken') throw new Error('another delivery is in flight');
    deps.report({ kind: 'notice_delivered', ...facts, outcome });
  } catch (error) {
    deps.report({ kind: 'notice_not_delivered', ...facts, error });
    throw error;
  }
}
