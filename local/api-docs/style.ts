/**
 * The whole stylesheet of the documentation page. It is embedded, and the page's policy allows only this
 * style.
 */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --paper: #fff; --panel: #f6f7f9; --ink: #1c2330; --soft: #596273;
  --line: #dfe3e9;
  --link: #1f5fbf; --get: #1d6fa5; --post: #1c7a4a; --delete: #b3372f; --warn: #9a5b00;
  --mono: ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161d; --panel: #1a2029; --ink: #e3e8ef;
  --soft: #9aa5b5;
  --line: #2c3542; --link: #7fb2f5; --get: #6cb8ea; --post: #63c794; --delete: #f08a80; --warn: #e0a84e; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1.5rem; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 2px solid var(--link);
  outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--paper); }
.page { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 76rem; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; height: 100vh; overflow-y: auto; padding: 2rem 1.25rem;
  border-right: 1px solid var(--line); font-size: .875rem; }
nav.narrow { display: none; }
nav .name { display: block; margin-bottom: 1rem; font-size: 1rem; font-weight: 700; color: inherit; }
nav p { margin: 1.25rem 0 .25rem; font-weight: 600; font-size: .75rem; letter-spacing: .06em;
  text-transform: uppercase;
  color: var(--soft); }
nav ul { margin: 0; padding: 0; list-style: none; }
nav li a { display: flex; gap: .5rem; align-items: baseline; padding: .2rem 0; color: inherit; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
main { padding: 2.5rem 3rem 6rem; }
main > section { margin-bottom: 3.5rem; }
h1 { margin: 0 0 .25rem; font-size: 2rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.3; }
h3 { margin: 0; font-size: 1.2rem; line-height: 1.4; }
h4 { margin: 1.75rem 0 .5rem; font-size: .95rem; }
h3 > a, dt > a { color: inherit; text-decoration: none; }
h3 > a:hover, dt > a:hover { text-decoration: underline; }
p { margin: .5rem 0; max-width: 44rem; }
.soft { color: var(--soft); }
article { margin-top: 2rem; padding-top: 2rem; border-top: 1px solid var(--line); }
.route { display: flex; flex-wrap: wrap; gap: .25rem .6rem; align-items: baseline; margin: .35rem 0 .75rem;
  font-family: var(--mono); font-size: .9rem; overflow-wrap: anywhere; }
.route .soft { font-family: system-ui, sans-serif; font-size: .85rem; }
.method { font: 700 .75rem/1.5 var(--mono); letter-spacing: .03em; }
nav .method { flex: none; width: 2.6rem; font-size: .65rem; letter-spacing: 0; }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); }
.put { color: var(--warn); }
code { font-family: var(--mono); font-size: .875em; }
p code, td code, dd code, li code { padding: .1em .3em; border-radius: .25rem; background: var(--panel);
  overflow-wrap: anywhere; }
pre { margin: .5rem 0; padding: .9rem 1rem; overflow-x: auto; border: 1px solid var(--line);
  border-radius: .5rem;
  background: var(--panel); font: .8125rem/1.55 var(--mono); tab-size: 2; }
pre code { font: inherit; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { padding: .35rem .75rem .35rem 0; text-align: left; font-size: .75rem; font-weight: 600;
  color: var(--soft); }
td { padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line); vertical-align: top; }
td:first-child { width: 30%; font-family: var(--mono); font-size: .85rem; overflow-wrap: anywhere; }
td:nth-child(2) { width: 16%; color: var(--soft); }
small { display: block; font-size: .75rem; color: var(--soft); }
td small { font-family: system-ui, sans-serif; }
dd small { font-size: .875rem; }
td .required { color: var(--warn); }
details { margin: .5rem 0; }
summary { cursor: pointer; font-size: .9rem; color: var(--link); }
.codes { margin: .25rem 0; padding: 0; list-style: none; font-size: .9rem; }
.codes li { display: flex; gap: .6rem; padding: .15rem 0; }
.codes a, dt > a { text-decoration: none; }
.codes a:hover { text-decoration: underline; }
.problems { display: flex; flex-wrap: wrap; gap: 0 1.75rem; }
.codes b, dt b { flex: none; font: 600 .875rem/1.7 var(--mono); color: var(--soft); }
dl { margin: 1rem 0 0; }
dt { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; padding-top: 1rem;
  margin-top: 1rem;
  border-top: 1px solid var(--line); font-weight: 600; }
dt:target, article:target h3 { text-decoration: underline; text-decoration-color: var(--warn);
  text-decoration-thickness: .15em; text-underline-offset: .3em; }
dd { margin: .25rem 0 0; max-width: 44rem; }
@media (max-width: 56rem) {
  .page { display: block; }
  nav { position: static; height: auto; padding: .25rem 1.25rem; border-right: 0;
  border-bottom: 1px solid var(--line); }
  nav.wide { display: none; }
  nav.narrow { display: block; }
  nav summary { padding: .6rem 0; font-weight: 600; }
  nav li a { padding: .4rem 0; }
  main { padding: 1.5rem 1.25rem 4rem; }
  h1 { font-size: 1.6rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
  tr { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; padding: .6rem 0;
    border-top: 1px solid var(--line); }
  td, td:first-child, td:nth-child(2) { width: auto; padding: 0; border: 0; }
  td:last-child { flex: 0 0 100%; }
  td:first-child small { display: inline; margin-left: .75rem; }
}
@media print { nav.wide, nav.narrow, .skip { display: none; } .page { display: block; } }
`;
