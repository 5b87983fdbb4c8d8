import { Html, html } from '../html.ts';
import { DARK, LIGHT } from '../palette.ts';
import type { Letter, Link } from './letter.ts';
import { buttonTo } from './places.ts';
import { wrapped } from './wrap.ts';

/** What surrounds the content of a letter. */
export interface Frame {
  readonly name: string;
  readonly apiUrl: string;
  /** Whether the reader can turn off letters of this kind. */
  readonly isOptional: boolean;
  /** Turns off letters of this kind without signing in; null if there is no such link. */
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

const MANDATORY =
  'This message is about your contract, your money or your security, so it cannot be turned off.';

/** Null for a letter that cannot be turned off. */
function offLink(frame: Frame): Link | null {
  if (!frame.isOptional) return null;
  const label = 'Turn off messages of this kind';
  return frame.unsubscribeUrl === null
    ? buttonTo('settings', label, frame)
    : { label, url: frame.unsubscribeUrl };
}

const withUrl = ({ label, url }: Link): string => `${label}: ${url}`;

function asText({ paragraphs, next, links = [], button }: Letter, frame: Frame): string {
  const off = offLink(frame);
  const parts = [
    greeting(frame.name),
    ...paragraphs,
    ...links.map(withUrl),
    next,
    withUrl(button),
    `-- \n${SIGNATURE}\n${off === null ? MANDATORY : withUrl(off)}`,
  ];
  return `${parts.map((part) => wrapped(part, TEXT_WIDTH)).join('\n\n')}\n`;
}

const FONT = 'font-family:-apple-system,Segoe UI,Helvetica,Arial,sans-serif';
const BUTTON =
  'display:inline-block;padding:10px 18px;border-radius:6px;' +
  `background:${LIGHT.accent};color:${LIGHT['on-accent']};text-decoration:none;font-weight:600`;

/** Mail programs that ignore a style element show the light colours of the elements themselves. */
const DARK_STYLE = new Html(
  ':root{color-scheme:light dark;supported-color-schemes:light dark}@media (prefers-color-scheme:dark){' +
    `.ground{background:${DARK.ground}!important;color:${DARK.text}!important}` +
    `.card{background:${DARK.card}!important}` +
    `.button{background:${DARK.accent}!important;color:${DARK['on-accent']}!important}` +
    `.link{color:${DARK.accent}!important}.soft{color:${DARK.soft}!important}}`,
);

const linkOf = ({ label, url }: Link) =>
  html`<a class="link" href="${url}" style="color:${LIGHT.accent}">${label}</a>`;

function asHtml({ subject, paragraphs, next, links = [], button }: Letter, frame: Frame): string {
  const off = offLink(frame);
  const paragraph = (content: string | Html) => html`<p style="margin:0 0 14px">${content}</p>\n`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${oneLine(subject)}</title>
<style>${DARK_STYLE}</style>
</head>
<body class="ground" style="margin:0;padding:24px;background:${LIGHT.ground};color:${LIGHT.text};${
    FONT
  };font-size:16px;line-height:1.5">
<div class="card" style="max-width:560px;margin:0 auto;padding:28px 32px;background:${
    LIGHT.card
  };border-radius:10px">
<h1 style="margin:0 0 16px;font-size:20px;line-height:1.3">${subject}</h1>
${[greeting(frame.name), ...paragraphs].map(paragraph)}${
  // Kept apart from the text, which may have words from callers.
  links.map((link) => paragraph(linkOf(link)))
}${paragraph(next)}
<p style="margin:22px 0 0"><a class="button" href="${button.url}" style="${BUTTON}">${button.label}</a></p>
</div>
<p class="soft" style="max-width:560px;margin:14px auto 0;color:${LIGHT.soft};font-size:13px">${
    SIGNATURE
  }. ${off === null ? MANDATORY : linkOf(off)}</p>
</body>
</html>
`.markup;
}

/** A line break in a header would start another header. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
