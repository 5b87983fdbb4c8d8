import { changeNoticeSettingsContract } from '../lib/http/contracts/notices.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { noticeSettingsView } from '../lib/http/views/notice-settings.ts';
import { changeNoticeSettings } from '../lib/operations/notices/change-settings.ts';

/** PUT /api/v1/notices */
export const handler = customerEndpoint(
  changeNoticeSettingsContract,
  () => [],
  async (deps, { input, customerId, keyUse }) => ({
    status: 200,
    body: noticeSettingsView(await changeNoticeSettings(deps, customerId, input.body.turned_off, keyUse)),
  }),
);
