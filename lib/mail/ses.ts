import * as z from 'zod/mini';
import { AwsRefusal, signedCall } from '../settings/signed-call.ts';
import { networkCode } from '../settings/transport.ts';
import { MailFault, type MailPort } from './port.ts';

const TIMEOUT_MS = 5_000;

const Answer = z.object({ MessageId: z.string() });

/**
 * Amazon SES, through its one call that sends. Not retried here: the stream retries a notice, and a message
 * whose answer was lost may have been sent.
 */
export function openSes(env: NodeJS.ProcessEnv, sender: string): MailPort {
  const utf8 = (Data: string) => ({ Data, Charset: 'UTF-8' });
  return {
    async send({ to, subject, text, html, kind, unsubscribeUrl }) {
      const message = {
        FromEmailAddress: sender,
        Destination: { ToAddresses: [to] },
        Content: {
          Simple: {
            Subject: utf8(subject),
            Body: { Text: utf8(text), Html: utf8(html) },
            ...(unsubscribeUrl !== null && { Headers: oneClick(unsubscribeUrl) }),
          },
        },
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

/** RFC 8058: a mail program shows its own button, which posts to the address without asking further. */
const oneClick = (url: string) => [
  { Name: 'List-Unsubscribe', Value: `<${url}>` },
  { Name: 'List-Unsubscribe-Post', Value: 'List-Unsubscribe=One-Click' },
];

/** SES's error codes for exceeding the account's limit per second or per day. */
const BUSY: ReadonlySet<string> = new Set(['TooManyRequestsException', 'ThrottlingException', 'Throttling']);

/** Leaves out the message, because SES quotes addresses in it. */
const whyOf = (error: unknown): string => {
  if (error instanceof AwsRefusal) return error.code;
  return networkCode(error) ?? (error instanceof Error ? error.name : 'unknown');
};
