import { addressHash, CONFIRM_HOURS, SESSION_MINUTES } from '../../../domain/access/tokens.ts';
import { BillingError } from '../../../errors.ts';
import { html } from '../../../html.ts';
import { lookUp } from '../../../look-up.ts';
import { askForAddress, confirmAddress, keepAddress } from '../../../operations/access/change-address.ts';
import { requireHead } from '../../../operations/ledger/require-item.ts';
import type { Deps } from '../../../runtime/deps.ts';
import { keys } from '../../../store/keys.ts';
import { ADDRESS_CHANGES } from '../../call-limits.ts';
import { limitRate } from '../../rate-limit.ts';
import type { Reply } from '../../reply.ts';
import { formOf, pageReply, type SignedIn, seeOther } from '../page.ts';
import { customerPage, type PageRoute, publicPage, type SessionRequest } from '../page-endpoint.ts';
import { doneNote, factsOf, fieldOf } from '../parts.ts';
import { sessionCookie } from '../session-cookie.ts';
import { changed, emailIn } from './forms.ts';

interface AddressShown {
  readonly email: string;
  readonly newEmail: string | null;
  readonly signedIn: SignedIn;
  readonly done?: string | undefined;
  readonly refused?: { readonly problem: string; readonly email: string };
}

const addressRoute =
  (run: (deps: Deps, shown: AddressShown, request: SessionRequest) => Promise<Reply>) => (route: PageRoute) =>
    customerPage(
      route,
      (customerId) => [keys.head(customerId)],
      async (deps, request) => {
        const { name, email, newEmail } = requireHead(request.items[0], request.customerId);
        return run(deps, { email, newEmail, signedIn: { name, formToken: request.formToken } }, request);
      },
    );

const DONE: Readonly<Record<string, string>> = {
  asked: 'A link is on its way to the new address. Nothing changes until it is used.',
  kept: 'Your address stays as it is.',
};

/** Changes the e-mail address. A new one takes effect when the link that is mailed to it is used. */
export const addressRoutes = {
  'GET /billing/address': addressRoute(async (_, shown, { query }) =>
    addressPage({ ...shown, done: lookUp(DONE, query.get('done') ?? '') }),
  ),
  'POST /billing/address': addressRoute(async (deps, shown, { customerId, form, sourceIp }) => {
    const again = (problem: string) =>
      addressPage({ ...shown, refused: { problem, email: form.get('email') ?? '' } });
    const email = emailIn(form, 'email');
    if (!email.ok) return again(email.problem);
    // Each request sends a letter to an address that may be a stranger's.
    for (const caller of [customerId, sourceIp, addressHash(email.value)])
      await limitRate(deps, ADDRESS_CHANGES, caller).catch(inPlainWords);
    const ask = async () => {
      await askForAddress(deps, customerId, email.value);
      return seeOther('/billing/address?done=asked');
    };
    return changed(ask, { email_taken: null, disposable_email: null, invalid_request: null }, again);
  }),
  'POST /billing/address/keep': addressRoute(async (deps, _, { customerId }) => {
    await keepAddress(deps, customerId);
    return seeOther('/billing/address?done=kept');
  }),
  // Needs no session, and shows no account data. Mail scanners open links, so opening it changes nothing.
  'GET /billing/confirm': (route: PageRoute) =>
    publicPage(route, async (_, { query }) => confirmPage(query.get('link'))),
  'POST /billing/confirm': (route: PageRoute) =>
    publicPage(route, async (deps, { form }) => {
      const { token } = await confirmAddress(deps, form.get('link') ?? '');
      return seeOther('/billing/keys?confirmed=1', [sessionCookie(token, SESSION_MINUTES * 60)]);
    }),
};

/** Replaces the usual message, which would give this daily limit in seconds. */
function inPlainWords(error: unknown): never {
  if (!(error instanceof BillingError) || error.code !== 'rate_limited') throw error;
  const detail = `A change of address can be asked for ${ADDRESS_CHANGES.limit} times a day.`;
  throw new BillingError('rate_limited', detail, error.facts);
}

function addressPage({ email, newEmail, signedIn, done, refused }: AddressShown): Reply {
  const form = html`${fieldOf({
    ...{ name: 'email', label: 'New address', type: 'email', autocomplete: 'email' },
    ...(refused !== undefined && { value: refused.email, problem: refused.problem }),
    hint: 'We send it a link. Nothing changes until the link is used. Then the old address gets a letter.',
  })}
<p class="buttons"><button>Send the link</button> <a href="/billing/settings">Back to the settings</a></p>`;
  return pageReply({
    title: 'E-mail address',
    path: '/billing/settings',
    signedIn,
    status: refused === undefined ? 200 : 422,
    content: html`${doneNote(done)}
<section><h2>Current address</h2>${factsOf([['Letters go to', email]])}</section>
${newEmail === null ? null : waiting(newEmail, signedIn)}
<section><h2>Use another address</h2>${formOf(signedIn, '/billing/address', form)}</section>`,
  });
}

const waiting = (newEmail: string, signedIn: SignedIn) =>
  html`<section><h2>Waiting for confirmation</h2>
<p>We sent a link to ${newEmail}. It works once, for ${CONFIRM_HOURS} hours. Until it is used, nothing
changes.</p>
${formOf(
  signedIn,
  '/billing/address/keep',
  html`<p><button class="plain">Keep the current address</button></p>`,
)}</section>`;

const confirmPage = (link: string | null): Reply =>
  pageReply({
    title: 'Confirm your address',
    content:
      link === null
        ? html`<section><p>This link is incomplete. Open the whole link from the letter, or
<a href="/billing/address">ask for another one</a>.</p></section>`
        : html`<section>
<p>When you confirm, letters and sign-in links go to the address that got this letter, and you are signed
in.</p>
<form method="post" action="/billing/confirm">
<input type="hidden" name="link" value="${link}">
<p><button>Confirm the address</button></p>
</form>
</section>`,
  });
