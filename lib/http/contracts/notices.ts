import * as z from 'zod/mini';
import { NOTICE_KINDS, OPTIONAL_NOTICE_KINDS } from '../../domain/notice-kinds.ts';
import { type Contract, described, nothing } from '../contract.ts';

const NoticeSettings = z.object({
  notices: z.array(
    z.object({
      kind: z.enum(NOTICE_KINDS),
      description: described(z.string(), 'For people.', 'Five credits or fewer are left.'),
      enabled: described(z.boolean(), 'Whether an e-mail is sent.'),
      can_be_turned_off: described(z.boolean(), 'False for notices that are always sent.'),
    }),
  ),
});
export type NoticeSettings = z.output<typeof NoticeSettings>;

/** For a kind that exists but cannot be turned off, the error says why. */
const CAN_BE_OFF = `must be one that can be turned off: ${OPTIONAL_NOTICE_KINDS.join(', ')}`;

const settings = { 200: { description: 'Every kind of notice.', schema: NoticeSettings } };

export const getNoticeSettingsContract = {
  operationId: 'getNoticeSettings',
  method: 'GET',
  path: '/api/v1/notices',
  tag: 'Account',
  summary: 'List notice settings',
  description: 'Every kind of notice, and whether the customer gets it.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: settings,
  problems: ['customer_not_found'],
} as const satisfies Contract;

export const changeNoticeSettingsContract = {
  operationId: 'changeNoticeSettings',
  method: 'PUT',
  path: '/api/v1/notices',
  tag: 'Account',
  summary: 'Change notice settings',
  description:
    'Turns off the listed kinds, and turns on all others. These cannot be turned off: failed payments, ' +
    'changes of the subscription, changes of the card, disputes, refunds, removed credits, a spending ' +
    'limit that is reached or changed, new and revoked API keys, links to sign in, and the closing of ' +
    'the account.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: z.strictObject({
    turned_off: described(
      z.array(z.enum(OPTIONAL_NOTICE_KINDS, CAN_BE_OFF)).check(z.maxLength(OPTIONAL_NOTICE_KINDS.length)),
      'All kinds to turn off. An empty list turns everything on.',
      ['low_balance'],
    ),
  }),
  responses: settings,
  problems: ['customer_not_found', 'ledger_busy'],
} as const satisfies Contract;
