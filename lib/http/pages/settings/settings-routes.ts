import { OPTIONAL_NOTICE_KINDS } from '../../../domain/notice-kinds.ts';
import { monthOf } from '../../../domain/payments/spending.ts';
import { askToClose, keepOpen } from '../../../operations/accounts/ask-to-close.ts';
import { changeName } from '../../../operations/accounts/change-name.ts';
import { changeSpendingLimit } from '../../../operations/accounts/change-spending-limit.ts';
import { requireHead } from '../../../operations/ledger/require-item.ts';
import { changeNoticeSettings } from '../../../operations/notices/change-settings.ts';
import type { Deps } from '../../../runtime/deps.ts';
import { keys } from '../../../store/keys.ts';
import { decodeSpending, spendingKey } from '../../../store/payments/spending.ts';
import type { Reply } from '../../reply.ts';
import { seeOther } from '../page.ts';
import { customerPage, type PageRoute, type SessionRequest } from '../page-endpoint.ts';
import { dollarsIn, type Entry, textIn } from './forms.ts';
import { closePage, type SettingsForm, type SettingsShown, settingsPage } from './settings-page.ts';

/** A route of the settings. All that the page shows is read together with the session. */
const settingsRoute =
  (run: (deps: Deps, shown: SettingsShown, request: SessionRequest) => Promise<Reply>) =>
  (route: PageRoute) =>
    customerPage(
      route,
      (customerId, at) => [keys.head(customerId), spendingKey(customerId, at)],
      async (deps, request) => {
        const [stored, spent] = request.items;
        const head = requireHead(stored, request.customerId);
        const signedIn = { name: head.name, formToken: request.formToken };
        return run(deps, { head, spending: decodeSpending(spent, monthOf(request.at)), signedIn }, request);
      },
    );

/** The page again, with the reason why a form was refused. */
const refused = (shown: SettingsShown, form: SettingsForm, fields: URLSearchParams) => (problem: string) =>
  settingsPage({ ...shown, refused: { form, problem, fields } });

const done = (what: keyof typeof DONE): Reply => seeOther(`/billing/settings?done=${what}`);

const DONE = {
  limit: 'The spending limit is set.',
  letters: 'Your choice of letters is saved.',
  name: 'The name is changed.',
  closing: 'We have your request to close the account.',
  open: 'Your request to close the account is withdrawn.',
} as const;

const doneText = (what: string | null): string | undefined =>
  Object.entries(DONE).find(([name]) => name === what)?.[1];

const MAX_NAME = 200;

/** Null for no limit. */
function limitIn(form: URLSearchParams): Entry<number | null> {
  switch (form.get('limit')) {
    case 'none':
      return { ok: true, value: null };
    case 'dollars':
      return dollarsIn(form, 'dollars');
    default:
      return { ok: false, problem: 'Choose a limit, or "No limit".' };
  }
}

export const settingsRoutes = {
  'GET /billing/settings': settingsRoute(async (_, shown, { query }) =>
    settingsPage({ ...shown, done: doneText(query.get('done')) }),
  ),
  'POST /billing/settings/limit': settingsRoute(async (deps, shown, { customerId, form }) => {
    const limit = limitIn(form);
    if (!limit.ok) return refused(shown, 'limit', form)(limit.problem);
    await changeSpendingLimit(deps, customerId, limit.value);
    return done('limit');
  }),
  'POST /billing/settings/letters': settingsRoute(async (deps, _, { customerId, form }) => {
    const wanted = form.getAll('letter');
    const turnedOff = OPTIONAL_NOTICE_KINDS.filter((kind) => !wanted.includes(kind));
    await changeNoticeSettings(deps, customerId, turnedOff);
    return done('letters');
  }),
  'POST /billing/settings/name': settingsRoute(async (deps, shown, { customerId, form }) => {
    const name = textIn(form, 'name', 'The name', MAX_NAME);
    if (!name.ok) return refused(shown, 'name', form)(name.problem);
    await changeName(deps, customerId, name.value);
    return done('name');
  }),
  'GET /billing/settings/close': settingsRoute(async (_, { head, signedIn }) => closePage(head, signedIn)),
  'POST /billing/settings/close': settingsRoute(async (deps, _, { customerId }) => {
    await askToClose(deps, customerId);
    return done('closing');
  }),
  'POST /billing/settings/keep-open': settingsRoute(async (deps, _, { customerId }) => {
    await keepOpen(deps, customerId);
    return done('open');
  }),
};
