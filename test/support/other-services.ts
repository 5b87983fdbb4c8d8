import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod/mini';
import { freePort } from '../../local/stack/ports.ts';

interface Answered {
  /** The right that the call needs. Null for a call of the API. */
  readonly right: string | null;
  readonly status?: number;
  readonly body: object;
}

const ssmCall = z.object({ Name: z.string(), Value: z.optional(z.string()) });

/**
 * A server that acts as SSM, as Lambda for invocations, as the API for the probe, and as SES for all other
 * calls.
 * @param parameters the prefix of the parameters' names
 * @param values by name, without the prefix
 */
export async function startOtherServices(
  parameters: string,
  onRight: (right: string) => void,
  values: Record<string, string>,
) {
  const answerTo = (target: string, url: string, body: unknown): Answered => {
    const [, ssm] = /^AmazonSSM\.(\w+)$/.exec(target) ?? [];
    if (ssm !== undefined) {
      const { Name, Value } = ssmCall.parse(body);
      const name = Name.replace(`${parameters}/`, '');
      if (Value !== undefined) values[name] = Value;
      return { right: `ssm:${ssm} ${name}`, body: { Parameter: { Value: values[name] } } };
    }
    const [, invoked] = /\/functions\/rsolv-billing-test-([\w-]+)\/invocations$/.exec(url) ?? [];
    if (invoked !== undefined) {
      const result = { state: 'removed', items: 1 };
      return { right: `lambda:InvokeFunction ${invoked}`, body: { ok: true, result } };
    }
    return OF_API[url] ?? { right: 'ses:SendEmail noticeIdentity', body: { MessageId: '1' } };
  };
  const server = createServer(async (request, response) => {
    const sent = await text(request);
    const target = String(request.headers['x-amz-target']);
    const { right, status = 200, body } = answerTo(target, request.url ?? '', JSON.parse(sent || '{}'));
    if (right !== null) onRight(right);
    response.writeHead(status).end(JSON.stringify(body));
  });
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

const BILLED = { id: 'f', billing_status: 'billed', outcome: 'credit_consumed', message: 'Already billed' };

/** What the probe must see. */
const OF_API: Readonly<Record<string, Answered>> = {
  '/health': { right: null, body: { status: 'ok', stage: 'test' } },
  '/api/v1/customers/onboard': { right: null, status: 201, body: { api_key: 'k' } },
  '/api/v1/fix-attempts': { right: null, status: 201, body: { id: 'f', billing_status: 'not_billed' } },
  '/api/v1/fix-attempts/f/billing': { right: null, body: BILLED },
};
