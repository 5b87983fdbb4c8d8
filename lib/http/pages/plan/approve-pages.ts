import { createHash } from 'node:crypto';
import type { FixAttempt } from '../../../domain/fix-attempt.ts';
import { Html, html, type Part } from '../../../html.ts';
import type { StripePages } from '../../../settings/stripe-pages.ts';
import type { NextStep } from '../../../stripe/port/approvals.ts';
import type { Reply } from '../../reply.ts';
import { formOf, pageHeaders, pageReply, policyOf, type SignedIn } from '../page.ts';
import { amountOf, dayOf, factsOf, tableOf } from '../parts.ts';

/* The pages on which a customer approves payments because their bank asks for it. */

/** The id of the fix in a form or query; null if it is missing or malformed. */
export function fixIdOf(fields: URLSearchParams): string | null {
  const id = fields.get('fix') ?? '';
  return /^[A-Za-z0-9_-]{1,128}$/.test(id) ? id : null;
}

const pullRequestOf = ({ githubOrg, repoName, prNumber }: FixAttempt): string =>
  `${githubOrg}/${repoName}#${prNumber}`;

/** @param problem why the payment was not approved */
export function approvePage(fix: FixAttempt, signedIn: SignedIn, problem?: Part): Reply {
  const { billed, charge, id } = fix;
  return pageReply({
    title: 'Approve a payment',
    path: '/billing/plan',
    status: problem === undefined ? 200 : 422,
    signedIn,
    content: html`${
      problem === undefined
        ? null
        : html`<section class="problem"><h2>This did not work</h2><p>${problem}</p></section>`
    }
<section><h2>The payment</h2>${factsOf([
      ['Fix', pullRequestOf(fix)],
      ...(charge === null ? [] : [['Amount', amountOf(charge.amountCents)] as const]),
      ['State', stateOf(fix)],
    ])}
${
  billed === null && charge?.state === 'action_required'
    ? html`<p>Your bank asks you to approve this payment. Nothing is charged before that.</p>
${formOf(
  signedIn,
  '/billing/approve',
  html`<input type="hidden" name="fix" value="${id}"><button>Continue to your bank</button>`,
)}`
    : billed === null
      ? html`<p><a href="/billing/card/waiting">Bill the waiting fixes</a></p>`
      : null
}</section>
<p><a href="/billing/approve">Other payments that wait for your approval</a></p>`,
  });
}

function stateOf({ billed, charge }: FixAttempt): string {
  if (billed !== null) return billed.outcome === 'credit_consumed' ? 'Paid with a credit' : 'Paid';
  const state = charge?.state ?? 'closed';
  switch (state) {
    case 'action_required':
      return 'Waits for your approval';
    case 'charging':
      return 'In progress';
    case 'declined':
      return 'Not paid: it was declined, or not approved';
    case 'closed':
      return 'Not charged';
    default:
      return state satisfies never;
  }
}

/** @param isAll false if the customer has more fixes than were searched */
export const approvalsPage = (
  { fixes, isAll }: { readonly fixes: readonly FixAttempt[]; readonly isAll: boolean },
  signedIn: SignedIn,
): Reply =>
  pageReply({
    title: 'Approve payments',
    path: '/billing/plan',
    signedIn,
    content: html`<section><h2>Payments that wait for your approval</h2>
${
  fixes.length === 0
    ? html`<p>None. When your bank asks about a payment, it appears here.</p>`
    : tableOf(
        'Payments that wait for your approval',
        [{ heading: 'Fix' }, { heading: 'Amount', isNumber: true }, { heading: 'Since' }],
        fixes.map((fix) => [
          html`<a href="/billing/approve?fix=${fix.id}">${pullRequestOf(fix)}</a>`,
          amountOf(fix.charge?.amountCents ?? 0),
          dayOf(fix.charge?.startedAt ?? fix.createdAt),
        ]),
      )
}
${isAll ? null : html`<p>To approve an older payment, use the link in the letter about it.</p>`}
</section>
<p><a href="/billing/plan">Back to the plan</a></p>`,
  });

/** Shown on return from the bank without a session. Shows no account data. */
export const approvalReturnedPage = (): Reply =>
  pageReply({
    title: 'Back from your bank',
    content: html`<section><p>Thank you. Your bank's answer is being recorded.</p>
<p><a href="/billing/plan">See the outcome in your account</a></p></section>`,
  });

/** Lets Stripe's script show the bank's page, then goes to the outcome, whether approved or not. */
const SCRIPT = `const {key,secret,back}=document.getElementById('approval').dataset;
const go=()=>location.replace(back);
Stripe(key).handleNextAction({clientSecret:secret}).then(go,go);`;
const SCRIPT_HASH = `sha256-${createHash('sha256').update(SCRIPT).digest('base64')}`;

/** For the one page that runs scripts (`SCRIPT` and Stripe's) and frames the bank's page. */
export function scriptHeaders({ forms, script, connect, frames }: StripePages): Record<string, string> {
  const more = [`script-src ${script} '${SCRIPT_HASH}'`, `connect-src ${connect}`, `frame-src ${frames}`];
  return {
    ...pageHeaders(),
    'Content-Security-Policy': policyOf(forms, more),
    // The default, `require-corp`, blocks frames without a header that banks' pages lack.
    'Cross-Origin-Embedder-Policy': 'unsafe-none',
  };
}

/** @param back where the browser goes afterwards */
export function scriptPage(
  { clientSecret }: Extract<NextStep, { readonly kind: 'script' }>,
  { publishableKey, scriptUrl }: StripePages,
  { back, invoiceUrl }: { readonly back: string; readonly invoiceUrl: string | null },
  signedIn: SignedIn,
): Reply {
  const otherWays = html`<ul>${
    invoiceUrl === null ? null : html`<li><a href="${invoiceUrl}">Pay the invoice on Stripe's page</a></li>`
  }<li><a href="/billing/card">Use another card</a></li></ul>`;
  const content =
    publishableKey === null
      ? html`<section><h2>Another way to pay</h2>
<p>Your bank's page cannot be shown here.</p>${otherWays}</section>`
      : html`<section><h2>Your bank's page</h2>
<p id="approval" data-key="${publishableKey}" data-secret="${clientSecret}" data-back="${back}"
  role="status">Your bank's page opens in a moment.</p>
<noscript><p>It needs JavaScript. Without it, there is another way:</p>${otherWays}</noscript></section>
<script src="${scriptUrl}"></script>
<script>${new Html(SCRIPT)}</script>`;
  return pageReply({ title: 'Approve the payment', path: '/billing/plan', signedIn, content });
}
