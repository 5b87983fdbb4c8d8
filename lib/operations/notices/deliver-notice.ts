import type { CustomerHead } from '../../domain/customer.ts';
import { isMuted, isOptional } from '../../domain/notice-kinds.ts';
import { recipientOf } from '../../domain/notices/address-notices.ts';
import { dayOf } from '../../domain/notices/caps.ts';
import { abandonedBefore, isUnsent } from '../../domain/notices/delivery.ts';
import { isProbeCustomerEmail } from '../../domain/test-customer.ts';
import { type Mail, MailFault } from '../../mail/port.ts';
import { openClosingOf } from '../../store/closing.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys, type NoticeName } from '../../store/keys.ts';
import {
  claimNotice,
  decodeNotice,
  type NoticeFate,
  noteFate,
  type StoredNotice,
} from '../../store/notices.ts';
import { decodeSoldPrices, soldPriceKeys } from '../../store/payments/sold-prices.ts';
import { type Item, readTogether } from '../../store/table.ts';
import { newUnsubscribeLink, unsubscribeUrl } from '../access/unsubscribe-link.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { claimLetter } from './claim-letter.ts';
import { findSameLetter } from './same-letter.ts';
import { isUnread } from './unread.ts';
import { type MailDeps, notMuted, writeLetter } from './write-letter.ts';

export type { MailDeps };

/**
 * `muted`: turned off, outdated, or said by another letter. `held`: beyond the day's cap; the next day's
 * digest has it. `already`: there is nothing to send, because it was sent, muted, joined, removed, or is
 * scheduled. `taken`: another delivery is sending it now.
 */
export type Delivered = 'sent' | 'muted' | 'held' | 'already' | 'taken';

/**
 * Sends a notice. A delivery claims it first, so two deliveries send one message. A duplicate is possible
 * only if the mail service's answer is lost, or a crash comes before it is stored: the service has no
 * idempotency keys.
 * @throws MailFault if it was not sent: the failure is stored and the next delivery retries; BillingError
 * ledger_unavailable
 */
export async function deliverNotice(deps: MailDeps, name: NoticeName): Promise<Delivered> {
  const { customerId, kind, id } = name;
  const claimedAt = deps.now();
  const [stored, head, closing, letters, ...sold] = await readTogether(deps.table, [
    keys.notice(customerId, kind, id),
    keys.head(customerId),
    keys.closing(customerId),
    keys.lettersOfDay(customerId, dayOf(claimedAt)),
    ...soldPriceKeys(),
  ]);
  if (stored === undefined || head === undefined) return 'already';
  const notice = decodeNotice(stored);
  if (notice.state === 'held') return 'held';
  if (!isUnsent(notice)) return 'already';

  const same = await findSameLetter(deps, notice);
  const customer = decodeHead(head);
  const to = addressFor(notice, customer, closing);
  const note = (fate: NoticeFate) =>
    retryContended(deps, () => noteFate(deps.table, name, claimedAt, fate, deps.now()));
  if (to === null || isNotSent(notice, customer) || same?.isRepeat) {
    const abandoned = abandonedBefore(claimedAt);
    const claim = await retryContended(deps, () => claimNotice(deps.table, name, claimedAt, abandoned));
    if (claim.kind === 'refused') return 'taken';
    await note({ state: 'muted' });
    return 'muted';
  }
  const link = isOptional(kind) ? newUnsubscribeLink(deps, customerId, kind) : null;
  const claim = { notice, head: customer, letters };
  const claimed = await claimLetter(deps, claim, claimedAt, link === null ? [] : [link.write]);
  if (claimed !== 'claimed') return claimed;
  try {
    const mail = await writeLetter(deps, notice, { head: customer, to }, decodeSoldPrices(sold), {
      unsubscribeUrl: link === null ? null : unsubscribeUrl(deps.apiUrl, link.token),
      waitingFixes: same?.waitingFixes,
    });
    const messageId = await sendInTurn(deps, mail);
    await note({ state: 'sent', messageId });
    return 'sent';
  } catch (error) {
    if (error instanceof MailFault) await note({ state: 'failed', failure: error.reason });
    throw error;
  }
}

/**
 * Null if no letter is sent: the account is closed, or the notice is outdated. The letter about the closing
 * itself goes to the address that the closing keeps until it is done.
 */
function addressFor({ content }: StoredNotice, head: CustomerHead, closing: Item | undefined): string | null {
  const isOfClosing = content.kind === 'account_closed';
  if (!isOfClosing && isUnread(head)) return null;
  const to = isOfClosing ? (openClosingOf(closing)?.email ?? null) : recipientOf(content, head);
  return to === null || isProbeCustomerEmail(to) ? null : to;
}

/** Whether the customer has turned off the letter, or everything in a digest. */
function isNotSent({ content }: StoredNotice, { customerId, mutedNotices }: CustomerHead): boolean {
  if (isMuted(content.kind, mutedNotices)) return true;
  return content.kind === 'digest' && notMuted(customerId, content, mutedNotices).length === 0;
}

/** How long sending is retried. The function's timeout leaves time for one last call and its result. */
const MAX_IN_LINE_MS = 30_000;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 4_000;

/**
 * Sends a message, and waits while the mail service is busy. One run of the low-balance warnings can cause
 * hundreds of messages, and the stream's three retries would all fall within a second.
 * @throws MailFault also if the service stays busy
 */
async function sendInTurn(deps: MailDeps, mail: Mail): Promise<string> {
  const startedMs = deps.now().getTime();
  for (let tries = 0; ; tries++) {
    try {
      return await deps.mail.send(mail);
    } catch (error) {
      const isOver = deps.now().getTime() - startedMs > MAX_IN_LINE_MS;
      if (!(error instanceof MailFault) || !error.isBusy || isOver) throw error;
      await deps.sleep(deps.random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** tries));
    }
  }
}
