import { createHash } from 'node:crypto';

/** The style of all pages. Each page includes it, and its policy allows no other style. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --panel: #f5f6f8; --ink: #1d2430; --soft: #5a6374;
  --line: #dcdfe5;
  --link: #1b5cb8; --good: #1a6b3c; --bad: #a82a22;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --panel: #1d232c; --ink: #e4e8ee;
  --soft: #a1abba;
  --line: #313a46; --link: #86b6f6; --good: #74cf9c; --bad: #f29389; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.25rem; background: var(--paper); color: var(--ink);
  font: .9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans",
    sans-serif; }
a { color: var(--link); text-underline-offset: .2em; }
a:has(> code) { text-underline-offset: .35em; }
a:focus-visible, button:focus-visible, input:focus-visible, summary:focus-visible, pre:focus-visible {
  outline: 2px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--paper); }
h1 { margin: 0; font-size: 1.35rem; line-height: 1.3; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.0625rem; }
p { margin: .35rem 0; max-width: 48rem; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
code, pre { font-family: var(--mono); font-size: .8125rem; }
.top { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; padding-bottom: .75rem; }
.top .name { font-size: 1.0625rem; font-weight: 700; color: inherit; text-decoration: none; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; list-style: none; }
nav.lists { padding: .5rem 0; border: solid var(--line); border-width: 1px 0; }
nav a { display: inline-block; padding: .15rem 0; }
nav a[aria-current] { color: inherit; font-weight: 600; text-decoration: none; }
.panel { margin: 1rem 0; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--panel); }
.notice { margin: 1rem 0; padding: .5rem 1rem; border-left: .25rem solid var(--good);
  background: var(--panel); }
.notice.problem { border-color: var(--bad); }
.row + .row { margin-top: .5rem; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
form { margin: 0; }
button, input[type="search"] { min-height: 2.25rem; padding: .25rem .8rem; border: 1px solid var(--soft);
  border-radius: .375rem;
  background: var(--paper); color: inherit; font: inherit; }
button { cursor: pointer; } button:hover { border-color: var(--link); color: var(--link); }
input[type="search"] { flex: 1 1 12rem; min-width: 0; }
form.fields { display: grid; gap: .6rem; max-width: 26rem; margin: .75rem 0; justify-items: start; }
form.fields label { display: grid; gap: .2rem; width: 100%; }
input[type="text"] { width: 100%; min-height: 2.25rem; padding: .25rem .8rem; border: 1px solid var(--soft);
  border-radius: .375rem; background: var(--paper); color: inherit; font: inherit; }
table { width: 100%; border-collapse: collapse; }
th { padding: .3rem 1rem .3rem 0; text-align: left; font-size: .8125rem; font-weight: 600;
  color: var(--soft); }
td { padding: .45rem 1rem .45rem 0; border-top: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
td time, td .nowrap { white-space: nowrap; }
td:empty::after { content: "–"; color: var(--soft); }
@media (min-width: 72rem) { td a code { white-space: nowrap; font-size: .75rem; } }
td .why, dd .why { display: block; font-size: .8125rem; color: var(--soft); }
ul.pairs { margin: 0; padding: 0; list-style: none; font-size: .8125rem; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1.25rem; margin: .75rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: .5rem 0; padding: .75rem 1rem; overflow: auto; border: 1px solid var(--line);
  border-radius: .5rem;
  background: var(--panel); white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; }
.pages { display: flex; gap: 1.25rem; margin: .75rem 0; }
@media (max-width: 48rem) {
  body { padding: 1rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
    white-space: nowrap; }
  table, tbody, tr { display: block; }
  tr { padding: .5rem 0; border-top: 1px solid var(--line); }
  td { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: .75rem; padding: .1rem 0;
    border: 0; }
  td::before { content: attr(data-head); color: var(--soft); }
  td:empty { display: none; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin-bottom: .5rem; }
}
`;

/** The page's policy: its own style, forms to its own origin, and its own frames if it has any. */
export const policyOf = ({
  style,
  frames = false,
}: {
  readonly style: string;
  readonly frames?: boolean;
}): string =>
  [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(frames ? ["frame-src 'self'"] : []),
  ].join('; ');
