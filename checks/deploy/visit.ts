import { Fault } from './parts.ts';

/** Opens a link to the billing page, signs in, looks at the page, and signs out, as a browser does. */
export async function visitBillingPage(url: string, link: string): Promise<void> {
  const browser = new Browser();
  // Redirects name the path on a host of its own, and the emulator's API is below a path.
  const pageAt = (path: string) => `${url}/billing${path}`;
  await browser.open(pageAt(''), 303);
  await browser.open(pageAt('/sign-in'), 200);
  await browser.send(pageAt('/sign-in'), 200, { email: 'stranger@rsolv.dev' });
  // No letter has this link: the function says so after looking for it.
  const unknown = pageAt(`/unsubscribe?link=${'0'.repeat(32)}.${'A'.repeat(43)}`);
  await browser.open(unknown, 410);
  await browser.send(unknown, 410, { 'List-Unsubscribe': 'One-Click' });
  const entry = await browser.open(link, 200);
  await browser.send(pageAt('/enter'), 303, { link: hiddenField(entry, 'link') });
  const overview = await browser.open(pageAt(''), 200);
  if (!overview.includes('<h1>Your account</h1>')) throw new Fault('The billing page shows no account');
  const documents = await browser.open(pageAt('/documents'), 200);
  if (!documents.includes('<h1>Invoices and receipts</h1>')) throw new Fault('No page shows the documents');
  const card = await browser.open(pageAt('/card'), 200);
  if (!card.includes('<h2>On file</h2>')) throw new Fault('The billing page shows no card');
  await browser.open(pageAt('/card/waiting'), 200);
  for (const path of ['/plan', '/plan/cancel', '/plan/return', '/approve']) {
    await browser.open(pageAt(path), path === '/plan/return' ? 303 : 200);
  }
  const paths = ['/keys', '/settings', '/address', '/statement', '/statement.csv', '/account.json'];
  for (const path of paths) await browser.open(pageAt(path), 200);
  const form = { form_token: hiddenField(overview, 'form_token') };
  await browser.send(pageAt('/settings/letters'), 303, form);
  await browser.send(pageAt('/sign-out'), 303, form);
  await browser.open(pageAt(''), 303);
}

/** Keeps one cookie and follows no redirect. */
class Browser {
  #cookie = '';

  open(address: string, expected: number): Promise<string> {
    return this.#request(address, expected);
  }

  send(address: string, expected: number, form: Readonly<Record<string, string>>): Promise<string> {
    return this.#request(address, expected, new URLSearchParams(form));
  }

  /** The page. @throws Fault for an unexpected status */
  async #request(address: string, expected: number, form?: URLSearchParams): Promise<string> {
    const response = await fetch(address, {
      redirect: 'manual',
      headers: this.#cookie === '' ? {} : { cookie: this.#cookie },
      ...(form !== undefined && { method: 'POST', body: form }),
    });
    const [set] = response.headers.getSetCookie();
    if (set !== undefined) this.#cookie = set.split(';')[0] ?? '';
    const text = await response.text();
    if (response.status === expected) return text;
    const { pathname } = new URL(address);
    const method = form === undefined ? 'GET' : 'POST';
    throw new Fault(`${method} ${pathname}: expected ${expected}, got ${response.status} ${text}`);
  }
}

function hiddenField(page: string, name: string): string {
  const value = new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1];
  if (value === undefined) throw new Fault(`A page has no field ${name}`);
  return value;
}
