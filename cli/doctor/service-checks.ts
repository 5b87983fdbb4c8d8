import { GetAccountCommand, GetEmailIdentityCommand, NotFoundException } from '@aws-sdk/client-sesv2';
import * as z from 'zod/mini';
import { reasonOf } from '../../lib/settings/setup-error.ts';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import { type Check, ok, wrong } from './check.ts';
import { absentOnLocalStack, type Site } from './site.ts';

const ANSWER_WITHIN_MS = 10_000;
const Health = z.object({ status: z.string(), stage: z.string() });

/** Whether the API answers, and whether mail can be sent. */
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
          advice: 'The reason is in the log of the function health. Check the table first.',
        });
      }
      if (health.data.stage === stage) return ok(`${url}, stage ${stage}`);
      return wrong(`${url} is the stage ${health.data.stage}`, {
        advice: `Check STAGE of the functions. ${stage} was deployed with other settings.`,
      });
    },
  },
  {
    id: 'mail-sender',
    title: 'Sender of notices',
    absentReason: absentOnLocalStack,
    run: async ({ ses, definition: { noticeIdentity: identity, noticeSender: sender } }) => {
      const remedy = {
        advice: 'Create it, then add the records that SES lists to the DNS of the domain:',
        command: ['aws sesv2 create-email-identity', `--email-identity ${identity}`],
      };
      try {
        const { VerifiedForSendingStatus: verified } = await ses.send(
          new GetEmailIdentityCommand({ EmailIdentity: identity }),
        );
        if (verified === true) return ok(`${sender}, ${identity} is verified`);
        return wrong(`SES has not verified ${identity}`, {
          advice: 'Add the records that SES lists to the DNS of the domain:',
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
    absentReason: absentOnLocalStack,
    run: async ({ ses, definition: { stage } }) => {
      const { ProductionAccessEnabled: outside, SendingEnabled: sends } = await ses.send(
        new GetAccountCommand({}),
      );
      if (sends !== true) {
        return wrong('AWS has paused sending', {
          advice: 'The account dashboard in the SES console says why and where to reply.',
        });
      }
      if (outside === true) return ok('out of the sandbox');
      if (!isLiveStage(stage)) return ok(`in the sandbox, which is enough for ${stage}`);
      return wrong('in the sandbox: customers get no mail', {
        advice: 'Request production access on the account dashboard in the SES console.',
      });
    },
  },
];

interface Answer {
  /** The HTTP status, or the reason why there is none. */
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
