import * as z from 'zod/mini';
import { faultsOf } from './environment.ts';

const Environment = z.object({
  NOTICE_SENDER: z.email(),
  APP_URL: z.url({ protocol: /^https?$/ }),
  API_URL: z.url({ protocol: /^https?$/ }),
});

export interface MailConfig {
  /** The sender address of notices. Replies go there too. */
  readonly sender: string;
  /** Where customers manage their account. */
  readonly appUrl: string;
  /** The address of our own API, without a trailing slash. */
  readonly apiUrl: string;
}

/** The address of our own API, for links to our pages. @throws Error if it is missing or wrong */
export function parseApiUrl(env: NodeJS.ProcessEnv): string {
  const parsed = z.pick(Environment, { API_URL: true }).safeParse(env);
  if (!parsed.success) throw new Error(`The API's own address is not usable. ${faultsOf(parsed.error)}`);
  return parsed.data.API_URL;
}

/** @throws Error naming each variable that is missing or wrong */
export function parseMailConfig(env: NodeJS.ProcessEnv): MailConfig {
  const parsed = Environment.safeParse(env);
  if (!parsed.success) throw new Error(`The settings for mail are not usable. ${faultsOf(parsed.error)}`);
  const { NOTICE_SENDER, APP_URL, API_URL } = parsed.data;
  return { sender: NOTICE_SENDER, appUrl: APP_URL, apiUrl: API_URL };
}
