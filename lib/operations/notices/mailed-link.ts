import type { CustomerHead } from '../../domain/customer.ts';
import type { NoticeContent } from '../../domain/notice.ts';
import type { Deps } from '../../runtime/deps.ts';
import { confirmUrl, enterUrl, makeConfirmLink, makeSignInLink } from '../access/sign-in.ts';

/**
 * The link of a letter that signs in or confirms an address; undefined for all other letters. Each delivery
 * makes a new link, and only its hash is stored.
 * @param to the address that gets the letter: using the link proves who reads mail there
 * @throws BillingError account_closed, ledger_busy, ledger_unavailable
 */
export async function mailedLink(
  deps: Deps & { readonly apiUrl: string },
  content: NoticeContent,
  { customerId, emailState }: CustomerHead,
  to: string,
): Promise<string | undefined> {
  const { apiUrl } = deps;
  switch (content.kind) {
    case 'sign_in':
      return enterUrl(apiUrl, (await makeSignInLink(deps, customerId, { mailedTo: to })).token);
    case 'confirm_address':
      return confirmUrl(apiUrl, (await makeConfirmLink(deps, customerId, to)).token);
    case 'key_issued':
      // The welcome letter. Anyone can sign up with a stranger's address, so its owner has to confirm it.
      if (content.by !== 'sign_up' || emailState === 'confirmed') return undefined;
      return enterUrl(apiUrl, (await makeConfirmLink(deps, customerId, to)).token);
    default:
      return undefined;
  }
}
