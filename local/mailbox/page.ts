import { html, raw } from 'hono/html';
import type { Mailbox, Message } from './mailbox.ts';

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 48rem; padding: 1.5rem; }
h1 { font-size: 1.4rem; margin: 0; } .soft { opacity: .7; margin: .3rem 0; }
details { border-top: 1px solid #8884; padding: .6rem 0; } summary { cursor: pointer; }
iframe { background: #fff; border: 1px solid #8884; border-radius: 6px; height: 30rem; margin-top: .6rem; width: 100%; }
pre { background: #8881; border-radius: 6px; overflow-x: auto; padding: .8rem; white-space: pre-wrap; }
`;

/** What the service would have sent, the newest first; each letter as HTML and as text. No script. */
export function mailboxPage({ newestFirst, file }: Mailbox): ReturnType<typeof html> {
  const count = newestFirst.length === 1 ? '1 message' : `${newestFirst.length} messages`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailbox</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<h1>Mailbox</h1>
<p class="soft">${count}. Nothing was sent to anybody; the file is ${file}. Load the page again for what is new.</p>
${newestFirst.map(letter)}
</body>
</html>
`;
}

const letter = ({ subject, to, at, text, html: markup }: Message) => html`<details>
<summary><strong>${subject}</strong> <span class="soft">to ${to}, ${at}</span></summary>
<iframe sandbox="" title="${subject}" srcdoc="${markup}"></iframe>
<pre>${text}</pre>
</details>
`;
