import { disposableEmailBlocklistSet } from 'disposable-email-domains-js';
import { domainsOf } from '../../domain/email.ts';

let blocklist: ReadonlySet<string> | undefined;

/**
 * Whether an address is at a disposable e-mail provider. The first sign-up loads the list, not the start-up.
 */
export function isDisposable(email: string): boolean {
  blocklist ??= disposableEmailBlocklistSet();
  const listed = blocklist;
  return domainsOf(email).some((domain) => listed.has(domain));
}
