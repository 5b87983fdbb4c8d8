import type { LetterTask } from '../../../domain/notices/letter-task.ts';
import { html } from '../../../html.ts';
import type { Reply } from '../../reply.ts';
import { pageReply } from '../page.ts';

const TASKS: Readonly<Record<LetterTask['kind'], { readonly title: string; readonly button: string }>> = {
  add_card: { title: 'Add a card', button: 'Add a card at Stripe' },
  pay_invoice: { title: 'Pay an invoice', button: 'Pay the invoice at Stripe' },
};

/** Asks for a click, because mail scanners open links but submit no forms. Shows no account data. */
export function letterPage(purpose: LetterTask, link: string): Reply {
  const { title, button } = TASKS[purpose.kind];
  return pageReply({
    title,
    content: html`<section>
<p>You continue at Stripe. This link can do nothing else with your account.</p>
<form method="post" action="/billing/letter">
<input type="hidden" name="link" value="${link}">
<p><button>${button}</button></p>
</form></section>`,
  });
}

/** For a link that has nothing left to do. */
export const letterDonePage = (purpose: LetterTask): Reply =>
  pageReply({
    title: TASKS[purpose.kind].title,
    content: html`<section><p>This is done: ${
      purpose.kind === 'add_card' ? 'the card is on file' : 'there is nothing to pay'
    }.</p>
<p><a href="/billing">Go to your account</a></p></section>`,
  });
