import type { CustomerHead } from '../../domain/customer.ts';
import { abandonedBefore, isUnsent } from '../../domain/notice.ts';
import { isMuted, isOptional } from '../../domain/notice-kinds.ts';
import { recipientOf } from '../../domain/notices/address-notices.ts';
import type { SoldPrices } from '../../domain/plans.ts';
import { isProbeCustomerEmail } from '../../domain/test-customer.ts';
import { layOut } from '../../mail/layout.ts';
import { letterOf } from '../../mail/letters.ts';
import { type Mail, MailFault, type MailPort } from '../../mail/port.ts';
import type { Deps } from '../../runtime/deps.ts';
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
import { readTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { mailedLink } from './mailed-link.ts';

export interface MailDeps extends Deps {
  readonly mail: MailPort;
  readonly appUrl: string;
  readonly apiUrl: string;
}

/** `already`: sent, muted or removed before. `taken`: another delivery is sending it now. */
export type Delivered = 'sent' | 'muted' | 'already' | 'taken';

/**
 * Sends a notice. A delivery claims it first, so two deliveries send one message. A duplicate is possible
 * only if the mail service's answer is lost, or a crash comes before it is stored: the service has no
 * idempotency keys.
 * @throws MailFault if it was not sent: the failure is stored and the next delivery retries; BillingError
 * ledger_unavailable
 */
export async function deliverNotice(deps: MailDeps, name: NoticeName): Promise<Delivered> {
  const { customerId, kind, id } = name;
  const [notice, head, ...sold] = await readTogether(deps.table, [
    keys.notice(customerId, kind, id),
    keys.head(customerId),
    ...soldPriceKeys(),
  ]);
  if (notice === undefined || head === undefined) return 'already';
  const stored = decodeNotice(notice);
  if (!isUnsent(stored)) return 'already';

  const claimedAt = deps.now();
  const claim = await retryContended(deps, () =>
    claimNotice(deps.table, name, claimedAt, abandonedBefore(claimedAt)),
  );
  if (claim.kind === 'refused') return 'taken';
  const note = (fate: NoticeFate) =>
    retryContended(deps, () => noteFate(deps.table, name, claimedAt, fate, deps.now()));

  const customer = decodeHead(head);
  const isUnread = customer.closedAt !== null || isProbeCustomerEmail(customer.email);
  const to = recipientOf(stored.content, customer);
  if (isUnread || to === null || isMuted(kind, customer.mutedNotices)) {
    await note({ state: 'muted' });
    return 'muted';
  }
  try {
    const url = await mailedLink(deps, stored.content, customer, to);
    const mail = { to, ...mailOf(stored, customer, decodeSoldPrices(sold), deps, url) };
    const messageId = await sendInTurn(deps, mail);
    await note({ state: 'sent', messageId });
    return 'sent';
  } catch (error) {
    if (error instanceof MailFault) await note({ state: 'failed', failure: error.reason });
    throw error;
  }
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

function mailOf(
  { content, createdAt }: StoredNotice,
  { name }: CustomerHead,
  prices: SoldPrices,
  { appUrl, apiUrl }: MailDeps,
  url: string | undefined,
) {
  const frame = { name, appUrl, apiUrl, isOptional: isOptional(content.kind) };
  return { kind: content.kind, ...layOut(letterOf({ content, createdAt }, prices, url), frame) };
}
