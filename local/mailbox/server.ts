import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { csrf } from 'hono/csrf';
import * as z from 'zod/mini';
import { localOnly } from '../stripe-double/http/local-only.ts';
import { Mailbox } from './mailbox.ts';
import { framed, LETTER_POLICY, letterPage, listPage, missingPage, PAGE_POLICY } from './pages.ts';

const HOST = '127.0.0.1';

/** What SES accepts as the name and the value of a header. */
const HeaderName = z.string().check(z.maxLength(126), z.regex(/^[!-9;-@A-~]+$/));
const HeaderValue = z.string().check(z.maxLength(870), z.regex(/^[ -~]+$/));

/** The part of SES's API that the service uses. Other messages are rejected. */
const SendEmail = z.object({
  FromEmailAddress: z.string(),
  Destination: z.object({ ToAddresses: z.tuple([z.string()]) }),
  Content: z.object({
    Simple: z.object({
      Subject: z.object({ Data: z.string() }),
      Body: z.object({ Text: z.object({ Data: z.string() }), Html: z.object({ Data: z.string() }) }),
      Headers: z.optional(z.array(z.strictObject({ Name: HeaderName, Value: HeaderValue }))),
    }),
  }),
  EmailTags: z.array(z.object({ Name: z.string(), Value: z.string() })),
});

const Refusals = z.strictObject({ times: z.int().check(z.minimum(0), z.maximum(1_000)) });

export interface MailboxServer {
  readonly url: string;
  readonly mailbox: Mailbox;
  stop(): Promise<void>;
}

export interface MailboxOptions {
  /** Default: any free port. */
  readonly port?: number;
  readonly file: string;
  readonly keep: boolean;
}

/** Starts a stand-in for Amazon SES that sends nothing. A page shows the captured messages. */
export async function startMailbox({ port = 0, file, keep }: MailboxOptions): Promise<MailboxServer> {
  const mailbox = new Mailbox(file, { keep });
  const app = new Hono();
  app.use(localOnly);
  // Without this, a form on a page of another origin could store letters here.
  app.use(csrf());
  app.post('/v2/email/outbound-emails', async (c) => {
    const sent = SendEmail.safeParse(await c.req.json().catch(() => null));
    if (!sent.success) return c.json({ message: 'This stand-in does not support this message format.' }, 400);
    const { FromEmailAddress, Destination, Content, EmailTags } = sent.data;
    const { Subject, Body, Headers = [] } = Content.Simple;
    const id = randomUUID();
    const isAccepted = mailbox.accept({
      id,
      at: new Date().toISOString(),
      from: FromEmailAddress,
      to: Destination.ToAddresses[0],
      subject: Subject.Data,
      text: Body.Text.Data,
      html: Body.Html.Data,
      kind: EmailTags.find(({ Name }) => Name === 'notice')?.Value ?? '',
      headers: Object.fromEntries(Headers.map(({ Name, Value }) => [Name, Value])),
    });
    if (isAccepted) return c.json({ MessageId: id });
    c.header('x-amzn-errortype', 'AccountSuspendedException');
    return c.json({ message: 'Refused, as requested through /_mailbox/refuse.' }, 400);
  });
  app.get('/', (c) => {
    c.header('content-security-policy', PAGE_POLICY);
    return c.html(listPage(mailbox, c.req.query('q'), c.req.query('page')));
  });
  app.get('/letters/:id', (c) => {
    c.header('content-security-policy', PAGE_POLICY);
    const message = mailbox.find(c.req.param('id'));
    return message === undefined ? c.html(missingPage(), 404) : c.html(letterPage(message));
  });
  app.get('/letters/:id/html', (c) => {
    c.header('content-security-policy', LETTER_POLICY);
    const message = mailbox.find(c.req.param('id'));
    return message === undefined ? c.notFound() : c.html(framed(message));
  });
  app.get('/messages', (c) => c.json(mailbox.newestFirst));
  app.post('/_mailbox/refuse', async (c) => {
    const refusals = Refusals.safeParse(await c.req.json().catch(() => null));
    if (!refusals.success) return c.json({ error: 'Send the number of refusals: {"times": 3}' }, 400);
    mailbox.refuse(refusals.data.times);
    return c.json(refusals.data);
  });

  const server = serve({ fetch: app.fetch, port, hostname: HOST });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the mailbox has no port');
  return {
    url: `http://${HOST}:${address.port}`,
    mailbox,
    stop: async () => {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await once(server, 'close').catch(() => {});
    },
  };
}
