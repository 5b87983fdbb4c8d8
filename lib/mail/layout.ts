import { html } from '../html.ts';
import type { Letter } from './letter.ts';
import { wrapped } from './wrap.ts';

/** What surrounds the content of a letter. */
export interface Frame {
  readonly name: string;
  readonly appUrl: string;
  readonly apiUrl: string;
  /** Whether the reader can turn off letters of this kind. */
  readonly isOptional: boolean;
  /** Turns off letters of this kind; null if there is no link. */
  readonly unsubscribeUrl: string | null;
}

export interface LaidOut {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A letter as plain text and as HTML, from the same words. All text in it is escaped. */
export function layOut(letter: Letter, frame: Frame): LaidOut {
  return { subject: oneLine(letter.subject), text: asText(letter, frame), html: asHtml(letter, frame) };
}

const MAX_GREETED = 80;
/** Text that mail programs turn into links. */
const LINK = /:\/\/|@|[\w-]\.[a-z]{2}/i;

/**
 * Anyone can sign up with a stranger's address and a message as the name. A name that is too long or would
 * become a link is left out. Direction marks are removed, because they could reverse what is read.
 */
function greeting(name: string): string {
  const read = oneLine(name.replace(/\p{Bidi_Control}/gu, ''));
  return read === '' || read.length > MAX_GREETED || LINK.test(read) ? 'Hello,' : `Hello ${read},`;
}

const TEXT_WIDTH = 72;
const SIGNATURE = 'RSOLV billing';

const footerOf = ({ isOptional }: Frame): string =>
  isOptional
    ? 'You can turn off messages of this kind.'
    : 'This message is about your contract or your security, so it cannot be turned off.';

function asText({ paragraphs, next, button }: Letter, frame: Frame): string {
  const parts = [
    greeting(frame.name),
    ...paragraphs,
    next,
    button?.url ?? frame.appUrl,
    `-- \n${SIGNATURE}\n${footerOf(frame)}`,
    ...(frame.unsubscribeUrl === null ? [] : [frame.unsubscribeUrl]),
  ];
  return `${parts.map((part) => wrapped(part, TEXT_WIDTH)).join('\n\n')}\n`;
}

const FONT = 'font-family:-apple-system,Segoe UI,Helvetica,Arial,sans-serif';
const BUTTON =
  'display:inline-block;padding:10px 18px;border-radius:6px;' +
  'background:#1f4ed8;color:#ffffff;text-decoration:none;font-weight:600';

function asHtml({ subject, paragraphs, next, button }: Letter, frame: Frame): string {
  const { label, url } = button ?? { label: 'Open RSOLV', url: frame.appUrl };
  const allParagraphs = [greeting(frame.name), ...paragraphs, next];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${oneLine(subject)}</title>
</head>
<body style="margin:0;padding:24px;background:#f3f4f6;color:#111827;${FONT};font-size:16px;line-height:1.5">
<div style="max-width:560px;margin:0 auto;padding:28px 32px;background:#ffffff;border-radius:10px">
<h1 style="margin:0 0 16px;font-size:20px;line-height:1.3">${subject}</h1>
${allParagraphs.map((paragraph) => html`<p style="margin:0 0 14px">${paragraph}</p>\n`)}
<p style="margin:22px 0 0"><a href="${url}" style="${BUTTON}">${label}</a></p>
</div>
<p style="max-width:560px;margin:14px auto 0;color:#596273;font-size:13px">${SIGNATURE}. ${footerOf(frame)}${
    frame.unsubscribeUrl === null ? null : html` <a href="${frame.unsubscribeUrl}">Turn them off</a>`
  }</p>
</body>
</html>
`.markup;
}

/** A line break in a header would start another header. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
