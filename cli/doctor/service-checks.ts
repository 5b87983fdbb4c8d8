import { GetAccountCommand, GetEmailIdentityCommand, NotFoundException } from '@aws-sdk/client-sesv2';
import * as z from 'zod/mini';
import { reasonOf } from '../../lib/settings/setup-error.ts';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import { type Check, ok, wrong } from './check.ts';
import { onThisMachine, type Site } from './site.ts';

const ANSWER_WITHIN_MS = 10_000;
const Health = z.object({ status: z.string(), stage: z.string() });

/** Whether it answers, and whether its mail would leave. */
export const SERVICE_CHECKS: readonly Check<Site>[] = [
  {
    id: 'health',
    title: 'API answers',
    needs: ['stack'],
    run: async (site) => {
      const url = `${await site.url()}/health`;
      const { stage } = site.definition;
      const { status, body } = await get(url);
      const health = Health.safeParse(body);
      if (status !== 200 || !health.success) {
        return wrong(`GET ${url}: ${status}`, {
          advice: 'Its reason is in the log of the function health; the table is the first suspect.',
        });
      }
      if (health.data.stage === stage) return ok(`${url}, stage ${stage}`);
      return wrong(`${url} is the stage ${health.data.stage}`, {
        advice: `Look at STAGE of the functions; ${stage} was deployed with other settings.`,
      });
    },
  },
  {
    id: 'mail-sender',
    title: 'Sender of notices',
    absent: onThisMachine,
    run: async ({ ses, definition: { noticeIdentity: identity, noticeSender: sender } }) => {
      const remedy = {
        advice: 'Ask for it, and put the records that SES names into the DNS of the domain:',
        command: ['aws sesv2 create-email-identity', `--email-identity ${identity}`],
      };
      try {
        const { VerifiedForSendingStatus: verified } = await ses.send(
          new GetEmailIdentityCommand({ EmailIdentity: identity }),
        );
        if (verified === true) return ok(`${sender}, ${identity} is verified`);
        return wrong(`SES has not verified ${identity}`, {
          advice: 'Put the records that SES names into the DNS of the domain:',
          command: ['aws sesv2 get-email-identity', `--email-identity ${identity}`],
        });
      } catch (error) {
        if (!(error instanceof NotFoundException)) throw error;
        return wrong(`SES does not know ${identity}`, remedy);
      }
    },
  },
  {
    id: 'mail-account',
    title: 'SES account',
    absent: onThisMachine,
    run: async ({ ses, definition: { stage } }) => {
      const { ProductionAccessEnabled: outside, SendingEnabled: sends } = await ses.send(
        new GetAccountCommand({}),
      );
      if (sends !== true) {
        return wrong('AWS has paused its sending', {
          advice: 'See Account dashboard in the console of SES, which says why and whom to answer.',
        });
      }
      if (outside === true) return ok('out of the sandbox');
      if (!isLiveStage(stage)) return ok(`in the sandbox, which will do for ${stage}`);
      return wrong('in the sandbox: customers get no mail', {
        advice: 'Ask for production access in the console of SES, Account dashboard.',
      });
    },
  },
];

interface Answer {
  /** Of HTTP; or why there was none. */
  readonly status: number | string;
  readonly body?: unknown;
}

async function get(url: string): Promise<Answer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return { status: response.status, body: await response.json().catch(() => undefined) };
  } catch (error) {
    return { status: reasonOf(error) };
  }
}
