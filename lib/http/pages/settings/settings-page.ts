import type { CustomerHead } from '../../../domain/customer.ts';
import { isMuted, isOptional, NOTICE_KINDS, OPTIONAL_NOTICE_KINDS } from '../../../domain/notice-kinds.ts';
import {
  nextMonthStart,
  reservedCents,
  roomCents,
  type Spending,
} from '../../../domain/payments/spending.ts';
import { isOver } from '../../../domain/subscription.ts';
import { type Html, html, type Part } from '../../../html.ts';
import type { Reply } from '../../reply.ts';
import { DESCRIPTIONS } from '../../views/notice-settings.ts';
import { formOf, pageReply, type SignedIn } from '../page.ts';
import { amountOf, countOf, dayOf, doneNote, factsOf, fieldOf, timeOf } from '../parts.ts';

/** The forms that can be refused, by the id of their section. */
export type SettingsForm = 'limit' | 'name';

export interface SettingsShown {
  readonly head: CustomerHead;
  /** This month's. */
  readonly spending: Spending;
  readonly signedIn: SignedIn;
  /** What was just done. */
  readonly done?: string | undefined;
  /** The form that was sent and changed nothing, and why. */
  readonly refused?: {
    readonly form: SettingsForm;
    readonly problem: string;
    readonly fields: URLSearchParams;
  };
}

/** The spending limit, letters, name and address, and the request to close the account. */
export const settingsPage = (shown: SettingsShown): Reply =>
  pageReply({
    title: 'Settings',
    path: '/billing/settings',
    signedIn: shown.signedIn,
    status: shown.refused === undefined ? 200 : 422,
    content: html`${doneNote(shown.done)}
<section id="limit"><h2>Spending limit</h2>${limit(shown)}</section>
<section id="letters"><h2>E-mails</h2>${letters(shown)}</section>
<section id="name"><h2>Name</h2>${name(shown)}</section>
<section id="address"><h2>E-mail address</h2>${address(shown)}</section>
<section id="closing"><h2>Close the account</h2>${closing(shown)}</section>`,
  });

/** What is wrong with a form, and the value that was sent. Null unless this form was refused. */
function refusedIn({ refused }: SettingsShown, form: SettingsForm, field: string) {
  if (refused?.form !== form) return null;
  return { problem: refused.problem, value: refused.fields.get(field) ?? '' };
}

function limit(shown: SettingsShown): Html {
  const { head, spending, signedIn } = shown;
  const { spendingLimitCents: limitCents } = head;
  const wrong = refusedIn(shown, 'limit', 'dollars');
  const isLimited = wrong !== null || limitCents !== null;
  const shownDollars = limitCents === null ? '' : dollarsOf(limitCents);
  const room = roomCents(limitCents, spending);
  const facts: [string, Part][] = [
    ['Limit', limitCents === null ? 'No limit' : html`${amountOf(limitCents)} a month`],
    ['Charged this month', amountOf(spending.spentCents)],
    ['Reserved for charges under way', amountOf(reservedCents(spending))],
    ['Room for more', room === null ? 'Not limited' : amountOf(room)],
    ['Starts again', html`${dayOf(nextMonthStart(spending.month))} 00:00 UTC`],
  ];
  return html`<p>The most that your card is charged for fixes in a month. Subscriptions and renewals do
not count, and credits are never limited. A letter reports each change.</p>
${factsOf(facts)}
${formOf(
  signedIn,
  '/billing/settings/limit',
  html`<fieldset><legend>Change the limit</legend>
<label class="choice"><input type="radio" name="limit" value="dollars"${
    isLimited ? html` checked` : null
  }><span>At most the amount below</span></label>
<label class="choice"><input type="radio" name="limit" value="none"${
    isLimited ? null : html` checked`
  }><span>No limit</span></label></fieldset>
${fieldOf({
  ...{ name: 'dollars', label: 'Amount in dollars', isRequired: false },
  value: wrong?.value ?? shownDollars,
  problem: wrong?.problem,
  hint: '0: your card is never charged for a fix. The change applies to the next charge.',
})}
<p><button>Set the limit</button></p>`,
)}`;
}

/** 290000 → "2900.00" */
const dollarsOf = (cents: number): string => (cents / 100).toFixed(2);

function letters({ head, signedIn }: SettingsShown): Html {
  const always = NOTICE_KINDS.filter((kind) => !isOptional(kind));
  return html`<p>Letters go to ${head.email}. You can turn these off:</p>
${formOf(
  signedIn,
  '/billing/settings/letters',
  html`<fieldset><legend class="unseen">Letters that you get</legend>${OPTIONAL_NOTICE_KINDS.map(
    (kind) =>
      html`<label class="choice"><input type="checkbox" name="letter" value="${kind}"${
        isMuted(kind, head.mutedNotices) ? null : html` checked`
      }><span>${DESCRIPTIONS[kind]}</span></label>`,
  )}</fieldset>
<p><button>Save</button></p>`,
)}
<h3>Always sent</h3>
<p>These are about your contract, your money or your security:</p>
<ul>${always.map((kind) => html`<li>${DESCRIPTIONS[kind]}</li>`)}</ul>`;
}

function name(shown: SettingsShown): Html {
  const { head, signedIn } = shown;
  const wrong = refusedIn(shown, 'name', 'name');
  return formOf(
    signedIn,
    '/billing/settings/name',
    html`${fieldOf({
      ...{ name: 'name', label: 'Name of the account', autocomplete: 'organization' },
      value: wrong?.value ?? head.name,
      problem: wrong?.problem,
    })}
<p><button>Change the name</button></p>`,
  );
}

/** What the page says about the e-mail address. */
const STATES: Readonly<Record<CustomerHead['emailState'], string>> = {
  confirmed: 'Confirmed: if you lose your keys, a link to this address gets you a new one.',
  assumed: 'Not confirmed yet. To confirm it, sign in with a link that we send to it.',
  unconfirmed: 'Not confirmed yet. To confirm it, sign in with a link that we send to it.',
};

const address = ({ head }: SettingsShown): Html =>
  html`<p>${head.email}</p>
<p class="soft">${STATES[head.emailState]}</p>
${head.newEmail === null ? null : html`<p>Waiting for ${head.newEmail} to confirm.</p>`}
<p><a href="/billing/address">Use another address</a></p>`;

function closing({ head, signedIn }: SettingsShown): Html {
  if (head.closingAskedAt === null) {
    return html`<p>Our support closes accounts. The next page says what closing means, and asks.</p>
<p><a href="/billing/settings/close">Ask us to close the account</a></p>`;
  }
  return html`<p>You asked for this on ${timeOf(head.closingAskedAt)}. Our support closes the account.</p>
${formOf(
  signedIn,
  '/billing/settings/keep-open',
  html`<p><button class="plain">Withdraw: keep the account</button></p>`,
)}`;
}

/** Says what closing means, and asks for confirmation. */
export function closePage(head: CustomerHead, signedIn: SignedIn): Reply {
  const { subscription } = head;
  const hasPro = subscription !== null && !isOver(subscription.state);
  return pageReply({
    title: 'Ask us to close the account',
    path: '/billing/settings',
    signedIn,
    content: html`<section><h2>What closing means</h2>
<ul>
<li>All API keys end. RSOLV-action can bill no more fixes.</li>
${
  head.balance > 0
    ? html`<li>You lose ${countOf(head.balance, 'credit')}. Credits are not paid out.</li>`
    : null
}
${hasPro ? html`<li>Pro ends at once. The rest of the paid month is not refunded.</li>` : null}
<li>Your card, your name and your address are deleted. The statement is kept without them.</li>
<li>It cannot be undone. The address can sign up again later, as a new account.</li>
</ul>
<p>Our support closes the account. Until then it works as before, and you can
withdraw the request.</p>
${formOf(
  signedIn,
  '/billing/settings/close',
  html`<p class="buttons"><button class="danger">Ask to close the account</button>
<a href="/billing/settings">Keep the account</a></p>`,
)}</section>`,
  });
}
