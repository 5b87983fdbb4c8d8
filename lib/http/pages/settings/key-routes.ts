import { KEY_SCOPES } from '../../../domain/api-key.ts';
import { mayRecover } from '../../../domain/email-state.ts';
import { BillingError } from '../../../errors.ts';
import { lookUp } from '../../../look-up.ts';
import { issueKey, issueOnlyKey, revokeKey } from '../../../operations/accounts/api-keys.ts';
import { requireHead } from '../../../operations/ledger/require-item.ts';
import type { Deps } from '../../../runtime/deps.ts';
import { type ListedKey, listActiveKeys } from '../../../store/api-keys.ts';
import { keys } from '../../../store/keys.ts';
import { KEYS_ISSUED } from '../../call-limits.ts';
import { limitRate } from '../../rate-limit.ts';
import type { Reply } from '../../reply.ts';
import { seeOther } from '../page.ts';
import { customerPage, type PageRoute, type SessionRequest } from '../page-endpoint.ts';
import { changed, type Refusals, textIn } from './forms.ts';
import { type KeysShown, keysPage, newKeyPage, replaceAllPage, revokePage } from './keys-page.ts';

type Shown = Pick<KeysShown, 'head' | 'signedIn'>;

/** A route of the key pages. The head is read together with the session. */
const keysRoute =
  (run: (deps: Deps, shown: Shown, request: SessionRequest) => Promise<Reply>) => (route: PageRoute) =>
    customerPage(
      route,
      (customerId) => [keys.head(customerId)],
      async (deps, request) => {
        const head = requireHead(request.items[0], request.customerId);
        const signedIn = { name: head.name, formToken: request.formToken };
        return run(deps, { head, signedIn }, request);
      },
    );

const MAX_NAME = 100;
const LAST_KEY =
  'This is your last account key, so it cannot end. Create another account key first, or replace this one ' +
  'with a new account key.';

const NOT_ISSUED: Refusals = {
  last_key: LAST_KEY,
  too_many_api_keys:
    'You have as many keys as can work at the same time. Revoke one first, or let the new key replace one.',
  api_key_not_found: 'The key to replace no longer works. Choose another one, or none.',
};

const DONE: Readonly<Record<string, string>> = {
  revoked: 'The key is revoked.',
};
const CONFIRMED = 'Your address is confirmed. Revoke the keys that you do not know, or replace all of them.';

export const keyRoutes = {
  'GET /billing/keys': keysRoute(async ({ table }, shown, { customerId, query }) => {
    const listed = await listActiveKeys(table, customerId);
    const done =
      query.has('confirmed') && mayRecover(shown.head) ? CONFIRMED : lookUp(DONE, query.get('done') ?? '');
    return keysPage({ ...shown, listed, done });
  }),
  'POST /billing/keys': keysRoute(async (deps, shown, { customerId, form }) => {
    const again = async (problem: string) =>
      keysPage({ ...shown, listed: await listActiveKeys(deps.table, customerId), problem, form });
    const name = textIn(form, 'name', 'The name', MAX_NAME);
    const isNamed = (form.get('name') ?? '').trim() !== '';
    if (isNamed && !name.ok) return again(name.problem);
    const scope = KEY_SCOPES.find((one) => one === form.get('scope'));
    if (scope === undefined) return again('Choose what the key may do.');
    await limitRate(deps, KEYS_ISSUED, customerId);
    const wish = {
      ...{ name: name.ok ? name.value : null, scope },
      replaces: form.get('replaces') || undefined,
    };
    const issue = async () =>
      newKeyPage(await issueKey(deps, customerId, 'customer', wish, shown.head), 0, shown.signedIn);
    return changed(issue, NOT_ISSUED, again);
  }),
  'GET /billing/keys/revoke': keysRoute(async ({ table }, { signedIn }, { customerId, query }) => {
    const key = find(await listActiveKeys(table, customerId), query.get('id'));
    return key === undefined ? seeOther('/billing/keys') : revokePage(key, signedIn);
  }),
  'POST /billing/keys/revoke': keysRoute(async (deps, { signedIn }, { customerId, form }) => {
    const id = form.get('id') ?? '';
    const revoke = async () => {
      await revokeKey(deps, customerId, id);
      return seeOther('/billing/keys?done=revoked');
    };
    return changed(revoke, { last_key: LAST_KEY }, async (problem) => {
      const key = find(await listActiveKeys(deps.table, customerId), id);
      return key === undefined ? seeOther('/billing/keys') : revokePage(key, signedIn, problem);
    });
  }),
  'GET /billing/keys/replace-all': keysRoute(async ({ table }, { head, signedIn }, { customerId }) =>
    mayRecover(head)
      ? replaceAllPage(await listActiveKeys(table, customerId), signedIn)
      : seeOther('/billing/keys#lost'),
  ),
  'POST /billing/keys/replace-all': keysRoute(async (deps, { head, signedIn }, { customerId }) => {
    if (!mayRecover(head)) throw notConfirmed();
    await limitRate(deps, KEYS_ISSUED, customerId);
    const issued = await issueOnlyKey(deps, customerId, 'customer');
    return newKeyPage(issued, issued.ended.length, signedIn);
  }),
};

const find = (listed: readonly ListedKey[], id: string | null): ListedKey | undefined =>
  listed.find(({ keyId }) => keyId === id);

const notConfirmed = (): BillingError =>
  new BillingError(
    'form_outdated',
    'Confirm your address first: sign in with a link that we send to it. Nothing was changed.',
  );
