import type { CustomerHead } from '../../domain/customer.ts';
import type { Spending } from '../../domain/payments/spending.ts';
import { decodeApiKey } from '../../store/api-keys.ts';
import { decodeConsent } from '../../store/evidence/consents.ts';
import { decodeFix } from '../../store/fix-attempts.ts';
import { apiKeyIdOf } from '../../store/keys.ts';
import { decodeEntry } from '../../store/ledger.ts';
import { decodeNotice, type StoredNotice } from '../../store/notices.ts';
import { decodeMonth } from '../../store/payments/spending.ts';
import { readable, UnreadableItem } from '../../store/record.ts';
import type { DownloadPart } from '../../store/statement/download.ts';
import type { Item } from '../../store/table.ts';
import { customerView, subscriptionView, transactionView } from './account.ts';
import { keyView } from './api-keys.ts';
import { fixAttemptView } from './fix-attempts.ts';
import { noticeSettingsView } from './notice-settings.ts';
import { spendingLimitView } from './spending.ts';

/* The account as a JSON document for the customer. docs/reference.md describes its format. */

/** The account itself, at the top of each document. */
export const accountFacts = (head: CustomerHead, spending: Spending, at: Date) => ({
  account: {
    ...customerView(head, at),
    ...subscriptionView(head, at),
    stripe_customer_id: head.stripeCustomerId,
    open_disputes: head.openDisputes,
  },
  settings: {
    spending_limit: spendingLimitView(head.spendingLimitCents, spending),
    ...noticeSettingsView(head),
  },
});

/** An item of a list. One that this release cannot read is named, so that it is not lost silently. */
export function downloadView(part: DownloadPart, item: Item): object {
  const view = readable(VIEWS[part], item);
  return view instanceof UnreadableItem ? { id: view.key.sk, unreadable: true } : view;
}

const VIEWS: Readonly<Record<DownloadPart, (item: Item) => object>> = {
  api_keys: (item) => {
    const key = decodeApiKey(item);
    return { ...keyView({ keyId: apiKeyIdOf(String(item['sk'])), ...key }), revoked_at: key.revokedAt };
  },
  spending: (item) => {
    const { month, limitCents, spentCents, committedCents } = decodeMonth(item);
    return {
      month,
      limit_cents: limitCents,
      spent_cents: spentCents,
      reserved_cents: committedCents - spentCents,
    };
  },
  entries: (item) => transactionView(decodeEntry(item)),
  fixes: (item) => fixAttemptView(decodeFix(item)),
  notices: (item) => noticeView(decodeNotice(item)),
  consents: (item) => {
    const { givenAt, paymentMethodId, version, text, sourceIp, userAgent } = decodeConsent(item);
    return {
      given_at: givenAt,
      payment_method_id: paymentMethodId,
      version,
      text,
      source_ip: sourceIp,
      user_agent: userAgent,
    };
  },
};

const noticeView = ({ id, createdAt, content, state, sentAt }: StoredNotice) => ({
  id,
  kind: content.kind,
  created_at: createdAt,
  state,
  sent_at: sentAt,
  facts: content,
});
