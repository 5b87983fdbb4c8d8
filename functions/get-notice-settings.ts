import { getNoticeSettingsContract } from '../lib/http/contracts/notices.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { noticeSettingsView } from '../lib/http/views/notice-settings.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';

/** GET /api/v1/notices */
export const handler = customerEndpoint(
  getNoticeSettingsContract,
  (customerId) => [keys.head(customerId)],
  async (_, { customerId, items: [head] }) => ({
    status: 200,
    body: noticeSettingsView(requireHead(head, customerId)),
  }),
);
