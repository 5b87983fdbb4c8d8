import { type KeyScope, MAX_ACTIVE_KEYS, shortKeyId } from '../../../domain/api-key.ts';
import type { CustomerHead } from '../../../domain/customer.ts';
import { mayRecover } from '../../../domain/email-state.ts';
import { type Html, html, type Part } from '../../../html.ts';
import type { ListedKey } from '../../../store/api-keys.ts';
import type { Reply } from '../../reply.ts';
import { formOf, pageReply, type SignedIn } from '../page.ts';
import { type Column, countOf, dayOf, doneNote, fieldOf, tableOf, timeOf } from '../parts.ts';

/** What the page says that a key may do. */
const MAY: Readonly<Record<KeyScope, string>> = {
  fixes: 'Record, look up and bill fixes; read usage',
  account: 'Everything',
};

export interface KeysShown {
  readonly head: CustomerHead;
  readonly listed: readonly ListedKey[];
  readonly signedIn: SignedIn;
  /** What was just done. */
  readonly done?: string | undefined;
  /** Why the form that was sent changed nothing. */
  readonly problem?: string | undefined;
  /** The fields of that form. */
  readonly form?: URLSearchParams;
}

/** The keys, and the forms that create, replace and revoke them. */
export function keysPage({ head, listed, signedIn, done, problem, form }: KeysShown): Reply {
  return pageReply({
    title: 'API keys',
    path: '/billing/keys',
    signedIn,
    status: problem === undefined ? 200 : 422,
    content: html`${doneNote(done)}${problemNote(problem)}
<section><h2>Keys that work</h2>
${tableOf('Keys that work', COLUMNS, listed.map(keyRow))}
<p class="soft"><small>Below each name is the beginning of the key's id. The key itself is shown only when
it is created. "Last used" is the day on which a key last changed something: calls that only read do not
count.</small></p></section>
<section><h2>Create a key</h2>${createForm(signedIn, listed, form)}</section>
<section id="lost"><h2>Lost your keys?</h2>${recovery(head, signedIn, listed)}</section>`,
  });
}

export const problemNote = (problem: string | undefined): Html | null =>
  problem === undefined ? null : html`<section class="problem" role="alert"><p>${problem}</p></section>`;

const COLUMNS: readonly Column[] = [
  { heading: 'Key' },
  { heading: 'Change' },
  { heading: 'May do' },
  { heading: 'Created' },
  { heading: 'Last used' },
];

const keyRow = ({ keyId, name, scope, createdAt, lastUsedOn }: ListedKey): Part[] => [
  html`${name ?? 'No name'}<br><code class="soft">${shortKeyId(keyId)}</code>`,
  html`<a href="/billing/keys/revoke?id=${keyId}">Revoke<span class="unseen"> the key ${shortKeyId(
    keyId,
  )}</span></a>`,
  MAY[scope],
  timeOf(createdAt),
  lastUsedOn === null ? 'Not yet' : dayOf(lastUsedOn),
];

/** "CI (1a2b3c4d)" */
const labelOf = ({ name, keyId }: ListedKey): string =>
  name === null ? shortKeyId(keyId) : `${name} (${shortKeyId(keyId)})`;

function createForm(
  signedIn: SignedIn,
  listed: readonly ListedKey[],
  form: URLSearchParams = new URLSearchParams(),
): Html {
  const scope = form.get('scope') === 'account' ? 'account' : 'fixes';
  const replaces = form.get('replaces');
  const chosen = html` selected`;
  const name = fieldOf({
    ...{ name: 'name', label: 'Name', value: form.get('name') ?? '', isRequired: false },
    hint: 'For you, for example "GitHub Actions of webshop".',
  });
  return formOf(
    signedIn,
    '/billing/keys',
    html`${name}
<fieldset><legend>What the key may do</legend>
${scopeChoice('fixes', scope, 'For RSOLV-action and CI', FIXES)}
${scopeChoice('account', scope, 'The whole account', ACCOUNT)}
</fieldset>
<label for="replaces">Replaces</label>
<select id="replaces" name="replaces"><option value="">No key</option>
${listed.map(
  (key) =>
    html`<option value="${key.keyId}"${key.keyId === replaces ? chosen : null}>${labelOf(key)}</option>`,
)}</select>
<p class="soft"><small>A replaced key stops working at once. At most ${MAX_ACTIVE_KEYS} keys can
work.</small></p>
<p><button>Create the key</button></p>`,
  );
}

const FIXES =
  'Records, looks up and bills fixes, and reads usage. A key in a repository should not be able to do more.';
const ACCOUNT = 'Everything, also buying Pro and revoking other keys. Keep it for yourself.';

const scopeChoice = (scope: KeyScope, current: KeyScope, label: string, hint: string): Html =>
  html`<label class="choice"><input type="radio" name="scope" value="${scope}"${
    scope === current ? html` checked` : null
  }><span>${label}<br><small class="soft">${hint}</small></span></label>`;

/** Lost keys can be replaced only by a customer whose e-mail address is confirmed. */
function recovery(head: CustomerHead, signedIn: SignedIn, listed: readonly ListedKey[]): Html {
  if (mayRecover(head)) {
    return html`<p>Issue a new account key, and end all other keys in the same step. Do this also if a key may
have leaked. Programs with an ended key stop working until they get a new one.</p>
<p><a href="/billing/keys/replace-all">Replace ${countOf(listed.length, 'key')} with a new one</a></p>`;
  }
  return html`<p>If you confirm your address, ${head.email}, you can get a new key even if you lose yours.</p>
<form method="post" action="/billing/sign-in"><input type="hidden" name="email" value="${head.email}">
<input type="hidden" name="form_token" value="${signedIn.formToken}">
<p><button class="plain">Send a link to this address</button></p></form>`;
}

/** The only page that shows a whole key. */
export const newKeyPage = (
  {
    apiKey,
    scope,
    name,
  }: { readonly apiKey: string; readonly scope: KeyScope; readonly name: string | null },
  ended: number,
  signedIn: SignedIn,
): Reply =>
  pageReply({
    title: 'Your new key',
    path: '/billing/keys',
    signedIn,
    content: html`<section><h2>${name ?? 'API key'}</h2>
<p>Copy the key now. It is not shown again.</p>
<p><code class="secret">${apiKey}</code></p>
<p>${NEXT[scope]}</p>
${ended === 0 ? null : html`<p>${endedLine(ended)}</p>`}
<p><a href="/billing/keys">Done: back to the keys</a></p></section>`,
  });

const endedLine = (ended: number): string =>
  ended === 1 ? 'The other key no longer works.' : `The other ${ended} keys no longer work.`;

const NEXT: Readonly<Record<KeyScope, string>> = {
  fixes:
    'Store it as a secret of the repository, for example RSOLV_API_KEY under Settings, Secrets and ' +
    'variables, Actions. Do not put it into a file of the repository.',
  account: 'Keep it in a password manager. For RSOLV-action, create a key for CI instead.',
};

/** Asks for confirmation before a key is revoked. */
export const revokePage = (key: ListedKey, signedIn: SignedIn, problem?: string): Reply =>
  pageReply({
    title: 'Revoke a key',
    path: '/billing/keys',
    signedIn,
    status: problem === undefined ? 200 : 422,
    content: html`${problemNote(problem)}<section><h2>${labelOf(key)}</h2>
<p>${MAY[key.scope]}. Created on ${dayOf(key.createdAt)}.</p>
<p>The key stops working at once. A program that still uses it gets the answer 401. This cannot be undone.</p>
${formOf(
  signedIn,
  '/billing/keys/revoke',
  html`<input type="hidden" name="id" value="${key.keyId}">
<p class="buttons"><button class="danger">Revoke the key</button> <a href="/billing/keys">Keep it</a></p>`,
)}</section>`,
  });

/** Asks for confirmation before a new key replaces all others. */
export const replaceAllPage = (listed: readonly ListedKey[], signedIn: SignedIn): Reply =>
  pageReply({
    title: 'Replace all keys',
    path: '/billing/keys',
    signedIn,
    content: html`<section><h2>A new account key, and no other</h2>
<p>You get a new account key. These keys end in the same step, also those in CI:</p>
<ul>${listed.map((key) => html`<li>${labelOf(key)}: ${MAY[key.scope].toLowerCase()}</li>`)}</ul>
${formOf(
  signedIn,
  '/billing/keys/replace-all',
  html`<p class="buttons"><button class="danger">Issue a key and end all others</button>
<a href="/billing/keys">Keep them</a></p>`,
)}</section>`,
  });
