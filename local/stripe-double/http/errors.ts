import type Stripe from 'stripe';

export type StripeErrorBody = Pick<
  Stripe.StripeRawError,
  | 'type'
  | 'code'
  | 'decline_code'
  | 'message'
  | 'param'
  | 'charge'
  | 'doc_url'
  | 'payment_intent'
  | 'payment_method'
>;

/** The rejection of a request: thrown anywhere below a route, answered as `{"error": …}`. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: StripeErrorBody, headers: Readonly<Record<string, string>> = {}) {
    super(body.message);
    this.status = status;
    this.body = body.code === undefined ? body : { ...body, doc_url: docUrl(body.code) };
    this.headers = headers;
  }
}

const docUrl = (code: string): string => `https://docs.stripe.com/error-codes/${code.replaceAll('_', '-')}`;

/** 400, for a request that is wrong in any state. */
export function invalid(message: string, details: Pick<StripeErrorBody, 'code' | 'param'> = {}): Refusal {
  return new Refusal(400, { type: 'invalid_request_error', message, ...details });
}

/** 404 for an id in the path; 400 for one in a parameter, with the parameter's name. */
export function missing(what: string, id: string, where: 'path' | { readonly param: string }): Refusal {
  const inPath = where === 'path';
  return new Refusal(inPath ? 404 : 400, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    param: inPath ? 'id' : where.param,
    message: `No such ${what}: '${id}'`,
  });
}

export function unrecognizedUrl(method: string, path: string): Refusal {
  return new Refusal(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${method}: ${path}). The double serves only what its routes name.`,
  });
}

export function unauthorized(key: string | undefined): Refusal {
  const message =
    key === undefined
      ? 'You did not provide an API key: send one as a bearer token.'
      : `Invalid API Key provided: ${maskedKey(key)}`;
  return new Refusal(401, { type: 'invalid_request_error', message });
}

/** Shows the kind of the key, and nothing of the key itself. */
const maskedKey = (key: string): string => `${/^(sk|pk|rk)_(test|live)_/.exec(key)?.[0] ?? ''}***`;
