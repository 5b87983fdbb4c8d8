import type { CustomerHead } from '../../domain/customer.ts';
import { isMuted, isOptional, type OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import { isUrgent } from '../../domain/notices/caps.ts';
import type { DigestContent } from '../../domain/notices/digest.ts';
import { taskOf } from '../../domain/notices/letter-task.ts';
import type { SoldPrices } from '../../domain/plans.ts';
import { layOut } from '../../mail/layout.ts';
import type { Letter } from '../../mail/letter.ts';
import { letterOf } from '../../mail/letters.ts';
import type { Mail, MailPort } from '../../mail/port.ts';
import type { Deps } from '../../runtime/deps.ts';
import { keys, type NoticeName, noticeLabel, noticeName } from '../../store/keys.ts';
import { findNotice, type StoredNotice } from '../../store/notices.ts';
import { readFound } from '../../store/table.ts';
import { letterLinkFor } from '../access/letter-link.ts';
import { mailedLink } from './mailed-link.ts';

export interface MailDeps extends Deps {
  readonly mail: MailPort;
  readonly appUrl: string;
  readonly apiUrl: string;
}

/** The most notices that a digest quotes. Of the rest, it names the number of each kind. */
const QUOTED = 30;

/** Who gets a letter: the address of a letter about an address can differ from the customer's. */
export interface Recipient {
  readonly head: CustomerHead;
  readonly to: string;
}

/** What the delivery knows of a letter. */
interface Known {
  /** Turns this kind off; null for a kind that is always sent. */
  readonly unsubscribeUrl: string | null;
  /** As in `Sending`. */
  readonly waitingFixes: number | undefined;
}

/**
 * The message of a notice, with what is true now. Reads the notices of a digest, and makes the link of a
 * letter that signs in, confirms an address, adds a card or pays an invoice.
 * @throws BillingError ledger_unavailable
 */
export async function writeLetter(
  deps: MailDeps,
  { content, createdAt }: StoredNotice,
  { head, to }: Recipient,
  prices: SoldPrices,
  { unsubscribeUrl, waitingFixes }: Known,
): Promise<Mail> {
  const { name } = head;
  const { appUrl, apiUrl } = deps;
  const { kind } = content;
  const mailedUrl = await mailedLink(deps, content, head, to);
  const task = taskOf(content);
  const taskUrl = task === null ? null : await letterLinkFor(deps, head.customerId, task, apiUrl);
  const letter =
    kind === 'digest'
      ? await digestLetter(deps, head, { content, createdAt }, prices)
      : letterOf({ content, createdAt }, prices, {
          ...{ appUrl, apiUrl, mailedUrl, waitingFixes },
          ...(taskUrl !== null && { taskUrl }),
        });
  const frame = { name, apiUrl, isOptional: isOptional(kind), unsubscribeUrl };
  return { to, kind, unsubscribeUrl, ...layOut(letter, frame) };
}

/** Quotes urgent notices first. A notice that cannot be read is counted with the rest. */
async function digestLetter(
  deps: MailDeps,
  { customerId, mutedNotices }: CustomerHead,
  { content, createdAt }: { readonly content: DigestContent; readonly createdAt: string },
  prices: SoldPrices,
): Promise<Letter> {
  const names = notMuted(customerId, content, mutedNotices).toSorted(
    (a, b) => Number(isUrgent(b.kind)) - Number(isUrgent(a.kind)),
  );
  const found = await readFound(deps.table, names.slice(0, QUOTED), ({ kind, id }) =>
    keys.notice(customerId, kind, id),
  );
  const quoted = found
    .flatMap(([name, item]) => {
      const one = findNotice(item);
      return 'notice' in one ? [{ name, notice: one.notice }] : [];
    })
    .sort((a, b) => (a.notice.createdAt < b.notice.createdAt ? -1 : 1));
  const first = new Set(quoted.map(({ name }) => name));
  const ordered = [...first, ...names.filter((name) => !first.has(name))];
  const { appUrl, apiUrl } = deps;
  return letterOf({ content: { kind: 'digest', notices: ordered.map(noticeLabel) }, createdAt }, prices, {
    ...{ appUrl, apiUrl },
    quoted: quoted.map(({ notice }) => letterOf(notice, prices, { appUrl, apiUrl })),
  });
}

/** The notices of a digest, without the kinds that the customer has turned off since. */
export const notMuted = (
  customerId: string,
  { notices }: DigestContent,
  muted: readonly OptionalNoticeKind[],
): readonly NoticeName[] =>
  notices.flatMap((label) => {
    const name = noticeName(customerId, label);
    return name === null || isMuted(name.kind, muted) ? [] : [name];
  });
