import * as z from 'zod/mini';
import { AwsRefusal, signedCall } from '../settings/signed-call.ts';
import { MailFault, type MailPort } from './port.ts';

const TIMEOUT_MS = 5_000;

const Answer = z.object({ MessageId: z.string() });

/**
 * Amazon SES, by its one call that sends. Not repeated here: the stream brings a notice again, and a message whose answer was
 * lost may have been sent.
 */
export function openSes(env: NodeJS.ProcessEnv, sender: string): MailPort {
  const utf8 = (Data: string) => ({ Data, Charset: 'UTF-8' });
  return {
    async send({ to, subject, text, html, kind }) {
      const message = {
        FromEmailAddress: sender,
        Destination: { ToAddresses: [to] },
        Content: { Simple: { Subject: utf8(subject), Body: { Text: utf8(text), Html: utf8(html) } } },
        EmailTags: [{ Name: 'notice', Value: kind }],
      };
      const answer = await signedCall(env, {
        service: 'ses',
        host: 'email',
        endpoint: env['AWS_ENDPOINT_URL_SESV2'],
        path: '/v2/email/outbound-emails',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(message),
        timeoutMs: TIMEOUT_MS,
      }).catch((error: unknown) => {
        const why = whyOf(error);
        throw new MailFault(why, BUSY.has(why));
      });
      const parsed = Answer.safeParse(answer);
      return parsed.success ? parsed.data.MessageId : 'unknown';
    },
  };
}

/** SES's words for more messages in a second, or in a day, than the account may send. */
const BUSY: ReadonlySet<string> = new Set(['TooManyRequestsException', 'ThrottlingException', 'Throttling']);

/** What the network says of a call that it failed; `fetch`'s own error says no more than that. */
const Network = z.object({ code: z.string() });

/** Without the message: SES quotes addresses in it. */
const whyOf = (error: unknown): string => {
  if (error instanceof AwsRefusal) return error.code;
  if (!(error instanceof Error)) return 'unknown';
  const network = Network.safeParse(error.cause);
  return network.success ? network.data.code : error.name;
};
