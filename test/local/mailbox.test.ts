import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Message } from '../../local/mailbox/mailbox.ts';
import type { MailboxServer } from '../../local/mailbox/server.ts';
import { startTestMailbox } from '../support/mailbox.ts';

const LETTER: Message = {
  id: 'letter-1',
  at: '2026-11-24T14:05:00.000Z',
  from: 'billing@rsolv.dev',
  to: 'ada@customer.example',
  subject: 'No credits left',
  text: 'Hello Acme,\n\nSee https://app.rsolv.dev/billing.\n',
  html: '<!doctype html><p>Hello Acme,</p>',
  kind: 'exhausted',
  headers: {},
};

async function mailboxWith(letters: readonly Partial<Message>[]): Promise<MailboxServer> {
  const post = await startTestMailbox();
  onTestFinished(() => post.stop());
  letters.forEach((letter, n) => {
    post.mailbox.accept({ ...LETTER, id: `letter-${n + 1}`, ...letter });
  });
  return post;
}

const read = async (url: string): Promise<string> => (await fetch(url)).text();

it('the mailbox refuses a malformed message and invalid JSON', async () => {
  const post = await startTestMailbox();
  for (const body of ['', 'no JSON', '{}', '[]']) {
    const answer = await fetch(`${post.url}/v2/email/outbound-emails`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(400);
  }
  expect(post.mailbox.newestFirst).toEqual([]);
  await post.stop();
});

it('the mailbox refuses everything that a form on a page of another origin can send', async () => {
  const post = await startTestMailbox();
  for (const path of ['/v2/email/outbound-emails', '/_mailbox/refuse']) {
    const answer = await fetch(post.url + path, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', origin: 'https://evil.example' },
      body: '{"times":3}',
    });
    expect(answer.status).toBe(403);
  }
  await post.stop();
});

it('the mailbox of a test leaves nothing in the temporary folder', async () => {
  const post = await startTestMailbox();
  const folder = dirname(post.mailbox.file);
  expect(existsSync(folder)).toBe(true);
  await post.stop();
  expect(existsSync(folder)).toBe(false);
});

describe('the pages of the mailbox', () => {
  it('the list of letters shows sender, kind, customer and time, newest first', async () => {
    const post = await mailboxWith([{ subject: 'First' }, { subject: 'Second', kind: 'low_balance' }]);
    const page = await read(post.url);
    for (const text of [
      'billing@rsolv.dev',
      'low balance',
      'Acme',
      'ada@customer.example',
      '2026-11-24 14:05:00',
    ])
      expect(page).toContain(text);
    expect(page.indexOf('Second')).toBeLessThan(page.indexOf('First'));
  });

  it.each([
    ['ADA@customer', ['letter-1']],
    ['low_balance', ['letter-2']],
    ['hello credits', ['letter-1', 'letter-2']],
    ['credits bob', ['letter-2']],
    ['nothing like it', []],
    ['  ', ['letter-1', 'letter-2', 'letter-3']],
  ])('a search for %j finds the letters that contain all of its words', async (words, found) => {
    const post = await mailboxWith([
      {},
      { to: 'bob@customer.example', kind: 'low_balance' },
      { to: 'eve@customer.example', subject: 'A new key', text: 'Hi' },
    ]);
    const page = await read(`${post.url}/?${new URLSearchParams({ q: words })}`);
    const ids = [...page.matchAll(/href="\/letters\/([\w-]+)"/g)].map(([, id]) => id);
    expect(ids.sort()).toEqual(found);
  });

  it('the list of ten thousand letters has 50 per page, and every page can be reached', async () => {
    const post = await mailboxWith(
      Array.from({ length: 10_000 }, (_, n) => ({ subject: `Letter number ${n}` })),
    );
    const first = await read(post.url);
    expect(first).toContain('Letter number 9999<');
    expect(first.match(/Letter number \d+</g)).toHaveLength(50);
    expect(first).toContain('Page 1 of 200, 10000 in all');
    expect(await read(`${post.url}/?page=200`)).toContain('Letter number 0<');
    expect(await read(`${post.url}/?q=number&page=2`)).toContain('href="/?q=number&amp;page=3"');
  });

  it('a letter is shown as text with links, and as HTML in sandboxed frames', async () => {
    const post = await mailboxWith([{}]);
    const page = await read(`${post.url}/letters/letter-1`);
    expect(page).toContain('<a href="https://app.rsolv.dev/billing" rel="noreferrer">');
    const frames = [...page.matchAll(/<iframe ([^>]*)>/g)].map(([, attributes]) => attributes);
    expect(frames).toEqual([
      'sandbox="allow-popups allow-popups-to-escape-sandbox" title="The letter on a screen" src="/letters/letter-1/html"',
      'sandbox="allow-popups allow-popups-to-escape-sandbox" title="The letter on a phone" src="/letters/letter-1/html"',
    ]);
    const letter = await fetch(`${post.url}/letters/letter-1/html`);
    expect(letter.headers.get('content-security-policy')).toMatch(
      /^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; /,
    );
    expect(await letter.text()).toBe(LETTER.html);
  });

  it('hostile text is escaped, and its invisible characters are written out', async () => {
    const hostile = '<script>alert(1)</script>\u202Egnp.exe';
    const post = await mailboxWith([
      {
        subject: hostile,
        from: hostile,
        to: hostile,
        kind: hostile,
        text: `Hello ${hostile},\n\njavascript:alert(1)`,
      },
    ]);
    for (const path of ['/', '/letters/letter-1', `/?${new URLSearchParams({ q: hostile })}`]) {
      const page = await read(post.url + path);
      expect(page).not.toContain('<script');
      expect(page).not.toContain('\u202E');
      expect(page).not.toContain('href="javascript');
      expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]gnp.exe');
    }
  });

  it('the mailbox answers 404 for a letter that does not exist', async () => {
    const post = await mailboxWith([]);
    expect((await fetch(`${post.url}/letters/none`)).status).toBe(404);
    expect((await fetch(`${post.url}/letters/none/html`)).status).toBe(404);
  });
});

it.each([
  ['localhost', 200],
  ['127.0.0.1', 200],
  ['[::1]', 200],
  ['evil.example', 421],
  ['localhost.evil.example', 421],
])('the mailbox answers a request for the host %s with %d', async (host, expected) => {
  const post = await mailboxWith([{}]);
  const { port } = new URL(post.url);
  for (const path of ['/', '/messages', '/letters/letter-1']) {
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers: { host: `${host}:${port}` } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
    expect([path, status]).toEqual([path, expected]);
  }
});
