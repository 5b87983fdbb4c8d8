import { GetAccountCommand, GetEmailIdentityCommand, NotFoundException } from '@aws-sdk/client-sesv2';
import * as z from 'zod/mini';
import { SOLD_PLANS } from '../../lib/domain/plans.ts';
import { formatUsd } from '../../lib/domain/pricing.ts';
import { reasonOf } from '../../lib/settings/setup-error.ts';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import { priceBook } from '../../lib/stripe/prices.ts';
import { type Check, type Finding, ok, type Remedy, wrong } from './check.ts';
import { absentOnLocalStack, type Site } from './site.ts';

const ANSWER_WITHIN_MS = 10_000;
const Health = z.object({ status: z.string(), stage: z.string() });

/** Whether SES sends our letters. Needs nothing that is deployed. */
export const MAIL_CHECKS: readonly Check<Site>[] = [
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

/** Whether the API answers, shows the right prices, and can send mail. */
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
    id: 'price-list',
    title: 'Price list',
    needs: ['health', 'price'],
    run: priceList,
  },
  ...MAIL_CHECKS,
];

const PriceList = z.object({
  plans: z.array(z.object({ plan: z.string(), month_cents: z.number(), credits: z.number() })),
});

/** Whether customers are shown what the next subscriber pays and gets. */
async function priceList(site: Site): Promise<Finding> {
  const url = `${await site.url()}/api/v1/pricing`;
  const { status, body } = await get(url);
  const list = PriceList.safeParse(body);
  if (status !== 200 || !list.success) {
    return wrong(`GET ${url}: ${status}`, {
      advice: 'Its reason is in the log of the function get-pricing.',
    });
  }
  const prices = priceBook(await site.stripe(), await site.proPriceId());
  const right: string[] = [];
  for (const plan of SOLD_PLANS) {
    const { id, unitCents, credits } = await prices.soldPrice(plan);
    const sold = priceText(unitCents, credits);
    const row = list.data.plans.find((one) => one.plan === plan);
    const shown = row === undefined ? 'nothing' : priceText(row.month_cents, row.credits);
    if (shown !== sold) {
      return wrong(`${url} shows ${shown} for ${plan}; ${id} is ${sold}`, sweepNow(site));
    }
    right.push(`${plan}: ${shown}`);
  }
  return ok(right.join(', '));
}

const priceText = (monthCents: number, credits: number): string =>
  `${formatUsd(monthCents)} a month for ${credits} credits`;

const sweepNow = ({ local, definition: { stage } }: Site): Remedy => ({
  advice:
    'Wait ten minutes for the sweeper, which reads the parameter and the price every five, or run it now. ' +
    'The price list follows within a minute. If it stays wrong, the log of settle-pending-charges says ' +
    'why.',
  command: ['npx rsolv-billing work settle', ...(local === null ? [`--stage ${stage}`] : [])],
});

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
