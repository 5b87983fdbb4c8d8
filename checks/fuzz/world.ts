import { api, call, type SignedUp, signUp } from '../../test/support/http.ts';
import {
  addCard,
  customerOutOfCredits,
  leaveCredits,
  proCustomer,
  recorded,
} from '../../test/support/http-money.ts';
import type { Money } from '../../test/support/money.ts';

/** Customers in every state with a different answer, and the ids and keys that requests can name. */
export interface World {
  readonly apiKeys: readonly string[];
  /** A revoked key, and a key with one wrong character. */
  readonly deadKeys: readonly string[];
  /** Ids of fixes, and of unused keys. */
  readonly ids: readonly string[];
  /** The local ids for what the document's examples name. */
  readonly exampleIds: Readonly<Record<string, string>>;
}

/** The pull request number in the document's examples. */
const EXAMPLE_PR = 42;

/** The first key belongs to a customer who can do everything: credits, a unique card, Pro. */
export async function settle(money: Money): Promise<World> {
  const pro = await proCustomer(money);
  const newcomer = await signUp();
  const blocked = await signUp();
  await leaveCredits(money, blocked.customerId, 0);
  const declined = await customerOutOfCredits(money, await money.newCard('tok_chargeCustomerFail'));
  const paying = await signUp();
  await addCard(paying.apiKey, await money.newCard());
  const customers = [pro, newcomer, blocked, declined, paying];
  const idle = await Promise.all(customers.map(issueKey));
  const revoked = await issueKey(newcomer);
  await call(api.revokeApiKey, { apiKey: newcomer.apiKey, params: { id: revoked.id } });
  const fixes = await Promise.all(customers.map(({ apiKey }) => recorded(apiKey, EXAMPLE_PR)));
  return {
    apiKeys: customers.map(({ apiKey }) => apiKey),
    deadKeys: [revoked.key, `${pro.apiKey.slice(0, -1)}${pro.apiKey.endsWith('A') ? 'B' : 'A'}`],
    ids: [...fixes, ...idle].map(({ id }) => id),
    exampleIds: {
      billFixAttempt: fixes[0]?.id ?? '',
      revokeApiKey: (await issueKey(pro)).id,
      addPaymentMethod: await money.newCard(),
    },
  };
}

async function issueKey({ apiKey }: SignedUp): Promise<{ id: string; key: string }> {
  const { body } = await call(api.issueApiKey, { apiKey });
  return { id: String(body['id']), key: String(body['api_key']) };
}
