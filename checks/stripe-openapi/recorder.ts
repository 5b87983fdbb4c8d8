import Stripe from 'stripe';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';

/** One answer of the stand-in, with its request. */
export interface Answer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
}

/** Sends requests to the stand-in and keeps every answer. */
export interface Recorder {
  readonly answers: readonly Answer[];
  readonly stripe: Stripe;
  /** Sends a request that the SDK would not send, for example with an unknown parameter. */
  send(method: string, path: string, form?: Readonly<Record<string, string>>): Promise<unknown>;
}

export function recorder(apiBase: string, apiKey: string): Recorder {
  const answers: Answer[] = [];
  const { hostname, port } = new URL(apiBase);
  const recorded: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    const body: unknown = await response.clone().json();
    answers.push({ method: init?.method ?? 'GET', path: url.pathname, status: response.status, body });
    return response;
  };
  const stripe = new Stripe(apiKey, {
    apiVersion: STRIPE_API_VERSION,
    host: hostname,
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient(recorded),
  });
  const send: Recorder['send'] = async (method, path, form = {}) => {
    const parameters = new URLSearchParams(form).toString();
    const isPost = method === 'POST';
    const response = await recorded(
      `${apiBase}${path}${isPost || parameters === '' ? '' : `?${parameters}`}`,
      {
        method,
        headers: { authorization: `Bearer ${apiKey}`, 'stripe-version': STRIPE_API_VERSION },
        ...(isPost && { body: new URLSearchParams(parameters) }),
      },
    );
    return await response.json();
  };
  return { answers, stripe, send };
}
