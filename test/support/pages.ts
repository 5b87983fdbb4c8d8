import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { handler as billingAddress } from '../../functions/billing-address.ts';
import { handler as billingCard } from '../../functions/billing-card.ts';
import { handler as billingDocuments } from '../../functions/billing-documents.ts';
import { handler as billingKeys } from '../../functions/billing-keys.ts';
import { handler as billingPage } from '../../functions/billing-page.ts';
import { handler as billingPlan } from '../../functions/billing-plan.ts';
import { handler as billingSettings } from '../../functions/billing-settings.ts';
import { handler as billingSignIn } from '../../functions/billing-sign-in.ts';
import { handler as billingStatement } from '../../functions/billing-statement.ts';
import { handler as billingUnsubscribe } from '../../functions/billing-unsubscribe.ts';
import { gatewayEvent, invocation, someIp } from './gateway.ts';

type Send = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

/** The function of each page, by the first part of its path below /billing. The others sign in and out. */
const FUNCTIONS = new Map([
  ['', billingPage],
  ['card', billingCard],
  ['letter', billingCard],
  ['portal', billingCard],
  ['documents', billingDocuments],
  ['plan', billingPlan],
  ['approve', billingPlan],
  ['keys', billingKeys],
  ['settings', billingSettings],
  ['address', billingAddress],
  ['confirm', billingAddress],
  ['statement', billingStatement],
  ['statement.csv', billingStatement],
  ['account.json', billingStatement],
  ['unsubscribe', billingUnsubscribe],
]);

/** Invokes the function of a page, as the gateway does. */
const invoke: Send = (event) => {
  const [, room = ''] = /^\w+ \/billing\/?([^/]*)/.exec(event.routeKey) ?? [];
  return (FUNCTIONS.get(room) ?? billingSignIn)(event, invocation());
};

export interface Shown {
  readonly status: number;
  readonly location: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly cookies: readonly string[];
  readonly text: string;
}

type Headers = Readonly<Record<string, string>>;

/** Opens pages like a browser: keeps cookies, and says where a form comes from. Follows no redirect. */
export class Visitor {
  #cookies = new Map<string, string>();
  readonly #sourceIp = someIp();
  readonly #send: Send;

  constructor(send: Send = invoke) {
    this.#send = send;
  }

  get cookies(): readonly string[] {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`);
  }

  /** Takes another visitor's cookies. */
  steal(cookies: readonly string[]): void {
    this.#cookies = new Map(cookies.map((cookie) => pairOf(cookie)));
  }

  get(path: string, headers: Headers = {}): Promise<Shown> {
    return this.#open('GET', path, undefined, headers);
  }

  post(
    path: string,
    fields: Headers,
    headers: Headers = { 'sec-fetch-site': 'same-origin' },
  ): Promise<Shown> {
    return this.#open('POST', path, new URLSearchParams({ ...fields }).toString(), headers);
  }

  async #open(method: 'GET' | 'POST', path: string, form: string | undefined, headers: Headers) {
    const { pathname, search } = new URL(path, 'https://billing.test');
    const routeKey = `${method} ${pathname}`;
    const event = gatewayEvent({
      headers: {
        host: 'billing.test',
        ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      sourceIp: this.#sourceIp,
      // The gateway encodes forms.
      ...(form !== undefined && { rawBody: Buffer.from(form).toString('base64') }),
    });
    const result = await this.#send({
      ...event,
      routeKey,
      rawPath: pathname,
      rawQueryString: search.slice(1),
      isBase64Encoded: form !== undefined,
      ...(this.#cookies.size > 0 && { cookies: [...this.cookies] }),
    });
    this.#keep(result);
    return shown(result);
  }

  #keep({ cookies = [] }: APIGatewayProxyStructuredResultV2): void {
    for (const cookie of cookies) {
      const [name, value] = pairOf(cookie);
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}

const shown = ({
  statusCode = 0,
  headers = {},
  cookies = [],
  body = '',
}: APIGatewayProxyStructuredResultV2) => ({
  status: statusCode,
  location: typeof headers['location'] === 'string' ? headers['location'] : undefined,
  headers,
  cookies,
  text: body,
});

function pairOf(cookie: string): readonly [string, string] {
  const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=');
  return [name, value];
}

/** The value of a hidden field of a page's first form that has it. */
export const hiddenField = ({ text }: Shown, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
