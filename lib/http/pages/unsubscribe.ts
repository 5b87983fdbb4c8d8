import type { OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import { html } from '../../html.ts';
import type { Reply } from '../reply.ts';
import { describeNotice } from '../views/notice-settings.ts';
import { pageReply } from './page.ts';

/** Asks for a click, because mail scanners open links but submit no forms. Shows no account data. */
export const unsubscribePage = (link: string, kind: OptionalNoticeKind): Reply =>
  pageReply({
    title: 'Turn off these letters',
    content: html`<section>
<p>RSOLV sends you a letter when this happens: ${describeNotice(kind)}</p>
<form method="post" action="/billing/unsubscribe?link=${encodeURIComponent(link)}">
<p><button>Turn these letters off</button></p>
</form>
</section>`,
  });

export const unsubscribedPage = (kind: OptionalNoticeKind): Reply =>
  pageReply({
    title: 'Letters turned off',
    content: html`<section>
<p role="status">You get no more letters when this happens: ${describeNotice(kind)}</p>
<p>You can turn them on again in the <a href="/billing/settings">settings</a> of your account.</p>
</section>`,
  });
