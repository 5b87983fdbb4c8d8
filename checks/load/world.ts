import { fixAttemptId } from '../../lib/domain/fix-attempt.ts';
import type { Random } from '../simulation/random.ts';
import { type Call, expectOneOf, fieldsOf, type Kind, Unexpected } from './call.ts';

/*
 * The customers, their fixes, and the answers to RSOLV-action for each fix. One small object for each fix is
 * kept until the end, to compare it with the ledger.
 */

/** `rich`: more credits than the load spends. `refused`: an accepted card that declines every charge. */
export const PLANS = ['trial', 'card', 'pro', 'refused', 'rich'] as const;
export type Plan = (typeof PLANS)[number];

export interface Person {
  readonly id: string;
  readonly apiKey: string;
  readonly plan: Plan;
  pullRequests: number;
  /** Set once a person at Stripe returned or disputed their money, or changed their card. */
  isTroubled?: true;
}

export interface Fix {
  readonly person: Person;
  readonly prNumber: number;
  readonly id: string;
  /** Answers that say that this call billed the fix. */
  billedAnswers: number;
  /** Answers that say that the fix is already billed. */
  alreadyBilledAnswers: number;
  /** Billing calls without an answer. */
  lost: number;
  /** The price in US cents, 0 for a credit. Null until an answer states it. */
  paidCents: number | null;
}

const SHARE: Readonly<Record<Plan, number>> = { rich: 35, trial: 25, card: 20, pro: 15, refused: 5 };

/** Calls of RSOLV-action and of people who read their account, by weight. */
const MIX = { record: 30, 'record again': 5, 'look up': 14, bill: 33, 'bill again': 8, usage: 10 } as const;

/** How many recorded or answered fixes are kept, to repeat their calls. */
const REMEMBERED = 400;
/** A customer with a trial becomes inactive after this many newer trial customers. */
const ACTIVE_ON_TRIAL = 40;
/** Few customers of each other plan are active, so they soon run out of credits. Later ones only sign up. */
const ACTIVE_OF_A_PLAN = 8;
/** The share of merges that are reported twice concurrently. */
const AT_ONCE = 0.08;

const GITHUB_ORG = 'Load-Org';
const BILLED: Readonly<Record<string, number>> = { Billed: 1, 'Already billed': 0 };

const WITHOUT_MONEY: Readonly<Record<Plan, readonly string[]>> = {
  trial: ['402 no_billing_info'],
  refused: ['402 card_declined'],
  card: [],
  pro: [],
  rich: [],
};

/** Possible answers after a person's action at Stripe. 503: the charge may be in flight; no retry. */
const IN_TROUBLE: readonly string[] = [
  '402 no_billing_info',
  '402 account_disputed',
  '402 card_declined',
  '503 payment_pending',
];

const withoutMoney = ({ plan, isTroubled }: Person): readonly string[] =>
  isTroubled ? IN_TROUBLE : WITHOUT_MONEY[plan];

export class World {
  readonly people: Person[] = [];
  readonly fixes: Fix[] = [];
  readonly #active = new Map<Plan, Person[]>(PLANS.map((plan) => [plan, []]));
  readonly #random: Random;
  readonly #toBill: Fix[] = [];
  readonly #recorded: Fix[] = [];
  readonly #billed: Fix[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  join(person: Person): void {
    this.people.push(person);
    const active = this.#activeOf(person.plan);
    if (person.plan === 'trial') remember(active, person, ACTIVE_ON_TRIAL);
    else if (active.length < ACTIVE_OF_A_PLAN) active.push(person);
  }

  /** The next call of RSOLV-action. */
  next(): Call {
    const kind = this.#random.weighted<keyof typeof MIX>(MIX);
    switch (kind) {
      case 'record':
        return this.#record();
      case 'record again':
        return this.#about(this.#recorded, (fix) => this.#recordOf(fix, kind, ['200']));
      case 'look up':
        return this.#about(this.#recorded, lookUp);
      case 'bill': {
        const fix = this.#toBill.shift();
        return fix === undefined ? this.#record() : this.#bill(fix, kind);
      }
      case 'bill again':
        return this.#about(this.#billed, (fix) => this.#bill(fix, kind));
      case 'usage':
        return usage(this.#anyPerson());
      default:
        return kind satisfies never;
    }
  }

  #about(fixes: readonly Fix[], call: (fix: Fix) => Call): Call {
    return fixes.length === 0 ? this.#record() : call(this.#random.pick(fixes));
  }

  #record(): Call {
    const person = this.#anyPerson();
    person.pullRequests += 1;
    const prNumber = person.pullRequests;
    const id = fixAttemptId({ githubOrg: GITHUB_ORG, repoName: repoOf(person), prNumber });
    const fix = { person, prNumber, id, billedAnswers: 0, alreadyBilledAnswers: 0, lost: 0, paidCents: null };
    this.fixes.push(fix);
    let isLost = false;
    const call = this.#recordOf(fix, 'record', ['201', '200']);
    return {
      ...call,
      lost: () => {
        isLost = true;
      },
      take: (answer) => {
        const label = call.take(answer);
        if (label === '200' && !isLost) throw new Unexpected('200, although it was not recorded before');
        remember(this.#recorded, fix, REMEMBERED);
        this.#toBill.push(fix);
        if (this.#random.chance(AT_ONCE)) this.#toBill.push(fix);
        return label;
      },
    };
  }

  #recordOf(fix: Fix, kind: Kind, labels: readonly string[]): Call {
    const { person, prNumber, id } = fix;
    const repo = repoOf(person);
    return {
      kind,
      method: 'POST',
      path: '/api/v1/fix-attempts',
      headers: withKey(person, { 'content-type': 'application/json' }),
      body: JSON.stringify({
        github_org: GITHUB_ORG,
        repo_name: repo,
        pr_number: prNumber,
        pr_title: `Fix ${prNumber}`,
        pr_url: `https://github.com/${GITHUB_ORG}/${repo}/pull/${prNumber}`,
        issue_number: prNumber,
        issue_title: 'SQL injection in order search',
        api_key_used: person.apiKey,
        metadata: { scanner: 'semgrep', severity: 'high' },
        vulnerability_id: 'CWE-89',
      }),
      take: (answer) => {
        const label = expectOneOf(answer, labels);
        if (fieldsOf(answer)['id'] !== id) throw new Unexpected(`another fix: ${answer.body}`);
        return label;
      },
    };
  }

  #bill(fix: Fix, kind: 'bill' | 'bill again'): Call {
    const { person, id } = fix;
    return {
      kind,
      method: 'POST',
      path: `/api/v1/fix-attempts/${id}/billing`,
      headers: withKey(person, { 'content-length': '0' }),
      lost: () => {
        fix.lost += 1;
      },
      take: (answer) => {
        const label = expectOneOf(answer, ['200', ...withoutMoney(person)]);
        if (kind === 'bill') remember(this.#billed, fix, REMEMBERED);
        return label === '200' ? noteBilled(fix, fieldsOf(answer)) : label;
      },
    };
  }

  #anyPerson(): Person {
    const plans = PLANS.filter((plan) => this.#activeOf(plan).length > 0);
    const shares = Object.fromEntries(plans.map((plan) => [plan, SHARE[plan]]));
    const plan = PLANS.find((one) => one === this.#random.weighted(shares)) ?? 'trial';
    return this.#random.pick(this.#activeOf(plan));
  }

  #activeOf(plan: Plan): Person[] {
    return this.#active.get(plan) ?? [];
  }
}

/** @throws Unexpected when the price changed, or two calls billed the fix */
function noteBilled(fix: Fix, fields: Readonly<Record<string, unknown>>): string {
  const { message, amount_cents: cents } = fields;
  const isFirst = BILLED[String(message)];
  if (isFirst === undefined || typeof cents !== 'number') throw new Unexpected(`200 with ${String(message)}`);
  if (fix.paidCents !== null && fix.paidCents !== cents) {
    throw new Unexpected(`200: fix ${fix.id} for ${cents} cents, but ${fix.paidCents} before`);
  }
  fix.paidCents = cents;
  if (isFirst === 1) fix.billedAnswers += 1;
  else fix.alreadyBilledAnswers += 1;
  if (fix.billedAnswers > 1) throw new Unexpected(`200 Billed for fix ${fix.id} twice`);
  return isFirst === 1 ? `200 Billed, ${cents === 0 ? 'a credit' : 'the card'}` : '200 Already billed';
}

const lookUp = ({ person, prNumber, id }: Fix): Call => ({
  kind: 'look up',
  method: 'GET',
  // RSOLV-action writes names in GitHub's current spelling, which can differ in case.
  path: `/api/v1/fix-attempts?github_org=${GITHUB_ORG.toLowerCase()}&repo_name=${repoOf(person)}&pr_number=${prNumber}`,
  headers: withKey(person),
  take: (answer) => {
    const label = expectOneOf(answer, ['200']);
    if (fieldsOf(answer)['id'] !== id) throw new Unexpected(`another fix: ${answer.body}`);
    return label;
  },
});

const usage = (person: Person): Call => ({
  kind: 'usage',
  method: 'GET',
  path: '/api/v1/usage',
  headers: withKey(person),
  take: (answer) => {
    const label = expectOneOf(answer, ['200']);
    const balance = fieldsOf(answer)['credit_balance'];
    if (typeof balance !== 'number' || balance < 0) throw new Unexpected(`a balance of ${String(balance)}`);
    return label;
  },
});

const repoOf = ({ id }: Person): string => `repo-${id.slice(0, 8)}`;

const withKey = ({ apiKey }: Person, more: Record<string, string> = {}) => ({ 'x-api-key': apiKey, ...more });

/** Appends an item and keeps the newest `most`. */
function remember<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}
