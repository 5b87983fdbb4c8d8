import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Random } from '../simulation/random.ts';
import { type Answer, type Call, expectOneOf, fieldsOf, Unexpected } from './call.ts';
import type { Sender } from './sender.ts';
import type { Person, Plan, World } from './world.ts';

/** The mix of new customers by plan. No sign-up leads to `rich`. */
const PLANS_OF_NEW = { trial: 45, card: 25, pro: 15, refused: 15 } as const;
/** Some groups of this size share one address, which the gateway limits to ten sign-ups a minute. */
const CROWD = 12;
const CROWD_EVERY = 5;
/** The share of sign-ups with an e-mail address that is already a customer's. */
const AGAIN = 0.07;
const MINUTE_MS = 60_000;

const SignedUp = z.object({ api_key: z.string(), customer: z.object({ id: z.string() }) });

export interface ArrivalsOptions {
  readonly world: World;
  readonly sender: Sender;
  readonly random: Random;
  /** Creates a payment method for a card that no other customer has. */
  readonly newCard: (plan: Plan) => Promise<string>;
  /** Unique to this run. */
  readonly run: string;
  /** Called for each unexplained failure. */
  readonly onFault: (what: string) => void;
}

/** Customers who sign up, add a card and subscribe. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #underWay = new Set<Promise<unknown>>();
  #count = 0;
  #emails: string[] = [];

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Starts so many arrivals each minute until the signal, and resolves when all are complete. */
  async run(perMinute: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && perMinute > 0) {
      const { random } = this.#options;
      const isAgain = this.#emails.length > 0 && random.chance(AGAIN);
      if (isAgain) this.#track(this.#signUpAgain());
      else this.#track(this.arrive(random.weighted<keyof typeof PLANS_OF_NEW>(PLANS_OF_NEW)));
      await delay(MINUTE_MS / perMinute, undefined, { signal }).catch(() => {});
    }
    await Promise.all(this.#underWay);
  }

  /** One complete arrival. Returns null if it was refused. @param as the person's plan after the arrival */
  async arrive(plan: Exclude<Plan, 'rich'>, as: Plan = plan): Promise<Person | null> {
    const { sender, world } = this.#options;
    const number = this.#count++;
    const email = `load-${this.#options.run}-${number}@rsolv.example`;
    const crowded = Math.floor(number / CROWD) % CROWD_EVERY === 1;
    const losses = new Losses();
    const answer = await sender.send({
      ...this.#signUpCall(email, number, crowded),
      lost: losses.note,
      take: (response) => {
        const labels = ['201', ...(crowded ? ['429 rate_limited'] : [])];
        // An earlier try succeeded, and its answer with the key was lost.
        return expectOneOf(response, losses.any ? [...labels, '409 email_taken'] : labels);
      },
    });
    if (answer?.status !== 201) return null;
    this.#emails = [...this.#emails.slice(-50), email];
    const { api_key: apiKey, customer } = SignedUp.parse(JSON.parse(answer.body));
    const person = { id: customer.id, apiKey, plan: as, pullRequests: 0 };
    if (plan !== 'trial' && !(await this.#addCard(person))) return null;
    if (plan === 'pro' && !(await this.#subscribe(person))) return null;
    world.join(person);
    return person;
  }

  async #addCard({ apiKey, plan }: Person): Promise<boolean> {
    const card = await this.#options.newCard(plan);
    const losses = new Losses();
    const answer = await this.#options.sender.send({
      kind: 'add card',
      method: 'POST',
      path: '/api/v1/payment-method',
      headers: asJson(apiKey),
      body: JSON.stringify({ payment_method_id: card, billing_consent: true }),
      lost: losses.note,
      take: (answer) => {
        const label = expectOneOf(answer, ['200']);
        const bonus = fieldsOf(answer)['bonus_credits'];
        if (bonus === 5 || (bonus === 0 && losses.any)) return label;
        throw new Unexpected(`200 with ${String(bonus)} credits for a first card`);
      },
    });
    return isOk(answer);
  }

  async #subscribe({ apiKey }: Person): Promise<boolean> {
    const losses = new Losses();
    const answer = await this.#options.sender.send({
      kind: 'subscribe',
      method: 'POST',
      path: '/api/v1/subscription',
      headers: asJson(apiKey),
      body: JSON.stringify({ plan: 'pro' }),
      lost: losses.note,
      take: (answer) => {
        const label = expectOneOf(answer, losses.any ? ['201', '200'] : ['201']);
        const balance = fieldsOf(answer)['credit_balance'];
        if (balance !== 70) throw new Unexpected(`${label} with ${String(balance)} credits instead of 70`);
        return label;
      },
    });
    return isOk(answer);
  }

  async #signUpAgain(): Promise<void> {
    const { sender, random } = this.#options;
    const number = this.#count++;
    const call = this.#signUpCall(random.pick(this.#emails).toUpperCase(), number, false);
    await sender.send({ ...call, take: (answer) => expectOneOf(answer, ['409 email_taken']) });
  }

  #signUpCall(email: string, number: number, crowded: boolean): Omit<Call, 'take'> {
    const from = crowded ? Math.floor(number / CROWD) : number;
    return {
      kind: 'sign up',
      method: 'POST',
      path: '/api/v1/customers/onboard',
      headers: JSON_BODY,
      // The gateway limits sign-ups by source address.
      from: addressOf(from, crowded ? 2 : 1),
      body: JSON.stringify({ name: `Load ${number}`, email, source: 'load' }),
    };
  }

  #track(arriving: Promise<unknown>): void {
    const tracked = arriving.catch((error: unknown) => this.#options.onFault(`a sign-up failed: ${error}`));
    this.#underWay.add(tracked);
    void tracked.finally(() => this.#underWay.delete(tracked));
  }
}

const JSON_BODY = { 'content-type': 'application/json' };
const asJson = (apiKey: string) => ({ ...JSON_BODY, 'x-api-key': apiKey });
const isOk = (answer: Answer | null): boolean => answer?.status === 200 || answer?.status === 201;

/** Every address in 127.0.0.0/8 is this machine, so each customer can have its own. */
const addressOf = (number: number, street: number): string =>
  `127.${street}.${Math.floor(number / 250) % 250}.${(number % 250) + 1}`;

/** Records whether a try of a call was unanswered. */
class Losses {
  any = false;
  readonly note = (): void => {
    this.any = true;
  };
}
