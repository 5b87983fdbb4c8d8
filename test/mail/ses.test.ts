import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSes } from '../../lib/mail/ses.ts';
import { TEST_CREDENTIALS } from '../support/table.ts';

/* Answers of Amazon SES, as in its API reference. */

let answer: { readonly status: number; readonly type?: string; readonly body: string };
let asked = '';
const server = createServer((request, response) => {
  asked = '';
  request.on('data', (part) => {
    asked += String(part);
  });
  request.on('end', () => {
    response.writeHead(answer.status, answer.type === undefined ? {} : { 'x-amzn-errortype': answer.type });
    response.end(answer.body);
  });
});
const listening = async (one: ReturnType<typeof createServer>): Promise<string> => {
  await once(one.listen(0, '127.0.0.1'), 'listening');
  const address = one.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
};
let url: string;
beforeAll(async () => {
  url = await listening(server);
});
afterAll(() => server.close());

const mail = {
  ...{ to: 'ada@acme.dev', subject: 's', text: 't', html: 'h' },
  ...{ kind: 'dispute', unsubscribeUrl: null },
};
const send = (endpoint = url) =>
  openSes({ ...TEST_CREDENTIALS, AWS_ENDPOINT_URL_SESV2: endpoint }, 'billing@rsolv.dev').send(mail);

describe('SES', () => {
  it('SES returns the id of a message', async () => {
    answer = { status: 200, body: '{"MessageId":"0100"}' };
    expect(await send()).toBe('0100');
  });

  it('a letter that can be turned off has the headers of RFC 8058, and another one has none', async () => {
    answer = { status: 200, body: '{"MessageId":"0100"}' };
    await send();
    expect(JSON.parse(asked)).not.toHaveProperty('Content.Simple.Headers');
    const unsubscribeUrl = 'https://api.rsolv.dev/billing/unsubscribe?link=a.b';
    await openSes({ ...TEST_CREDENTIALS, AWS_ENDPOINT_URL_SESV2: url }, 'billing@rsolv.dev').send({
      ...mail,
      unsubscribeUrl,
    });
    expect(JSON.parse(asked)).toHaveProperty('Content.Simple.Headers', [
      { Name: 'List-Unsubscribe', Value: `<${unsubscribeUrl}>` },
      { Name: 'List-Unsubscribe-Post', Value: 'List-Unsubscribe=One-Click' },
    ]);
  });

  it.each([
    [429, 'TooManyRequestsException', 'TooManyRequestsException', true],
    [400, 'ThrottlingException:http://internal.amazon.com/', 'ThrottlingException', true],
    [400, 'MessageRejected', 'MessageRejected', false],
    [400, 'MailFromDomainNotVerifiedException', 'MailFromDomainNotVerifiedException', false],
    [403, 'AccessDeniedException', 'AccessDeniedException', false],
    [500, undefined, 'without saying why', false],
  ])('a response of SES with %i %s is reported as %s; busy: %s', async (status, type, reason, isBusy) => {
    const body = '{"message":"Email address is not verified: ada@acme.dev"}';
    answer = { status, body, ...(type !== undefined && { type }) };
    const fault = await send().catch((error: unknown) => error);
    expect(fault).toMatchObject({ name: 'MailFault', reason, isBusy });
    expect(String(fault)).not.toContain('acme.dev');
  });

  it('an unreachable SES is reported with the error of the network', async () => {
    const gone = createServer();
    const nowhere = await listening(gone);
    await once(gone.close(), 'close');
    await expect(send(nowhere)).rejects.toMatchObject({ reason: 'ECONNREFUSED', isBusy: false });
  });
});
