import {
  addressHash,
  CONFIRM_HOURS,
  formatToken,
  LINK_MINUTES,
  type PresentedToken,
  parseToken,
  SESSION_MINUTES,
  tokenIdOf,
} from '../../domain/access/tokens.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { rememberCaller } from '../../store/access/callers.ts';
import {
  endSession,
  keyStillWorks,
  type LinkRecord,
  mustBeOpen,
  type NewAccess,
  putLink,
  usableLink,
  useLink,
} from '../../store/access/tokens.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { readTogether, writeTogether } from '../../store/table.ts';
import { changeLedger, type LedgerView } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { retryContended } from '../ledger/retry-contended.ts';

/** A token in plain text, for its receiver. The table stores only its hash. */
export interface IssuedToken {
  readonly token: string;
  readonly validUntil: Date;
}

const MINUTE_MS = 60_000;

/** Who gets a link. */
export interface LinkReceiver {
  /** The address that the link is mailed to. Its use proves who reads mail there. */
  readonly mailedTo?: string | null;
  /** The API key of the caller who gets the link. */
  readonly keyId?: string | null;
}

/**
 * Makes a link that signs the customer in once, within 15 minutes. Each call makes another link. A link that
 * was made with an API key, and its session, end with the key.
 * @throws BillingError account_closed, ledger_busy, ledger_unavailable
 */
export const makeSignInLink = (
  deps: Deps,
  customerId: string,
  receiver: LinkReceiver = {},
): Promise<IssuedToken> => makeLink(deps, customerId, receiver, LINK_MINUTES);

/**
 * Makes a link that confirms an address and signs the customer in once, within a day. Each call makes another
 * link.
 * @throws BillingError account_closed, ledger_busy, ledger_unavailable
 */
export const makeConfirmLink = (deps: Deps, customerId: string, mailedTo: string): Promise<IssuedToken> =>
  makeLink(deps, customerId, { mailedTo }, CONFIRM_HOURS * 60);

async function makeLink(
  deps: Deps,
  customerId: string,
  { mailedTo = null, keyId = null }: LinkReceiver,
  minutes: number,
): Promise<IssuedToken> {
  const token = formatToken(customerId, deps.randomBytes(32));
  const at = deps.now();
  const validUntil = new Date(at.getTime() + minutes * MINUTE_MS);
  const link = {
    ...{ customerId, tokenId: tokenIdOf('link', token), at, validUntil },
    mailedTo: mailedTo === null ? null : addressHash(mailedTo),
    keyId,
  };
  const result = await retryContended(deps, () => putLink(deps.table, link));
  if (result.kind === 'closed') throw accountClosed(customerId);
  return { token, validUntil };
}

export interface SignedIn extends IssuedToken {
  /** This sign-in has confirmed the customer's address. */
  readonly confirmed: boolean;
}

/**
 * Uses up a link and starts a session of 30 minutes. A link that was mailed to the customer's address also
 * confirms the address. A link that was mailed to another address, or was used, is rejected.
 * @param sourceIp the caller's, which is remembered
 * @throws BillingError link_not_valid, account_closed, ledger_busy, ledger_unavailable
 */
export async function signIn(deps: Deps, linkToken: string, sourceIp: string): Promise<SignedIn> {
  const { customerId, tokenId, first } = await presentedLink(deps, linkToken);
  const { session, issued } = newSession(deps, customerId);
  const { answer } = await changeLedger<LinkRecord | null, boolean>(
    deps,
    {
      customerId,
      relatedKeys: [keys.link(customerId, tokenId)],
      decodeRelated: ([link]) => usableLink(link, deps.now()),
      decide: ({ head, related: link }) => {
        if (head.closedAt !== null) throw accountClosed(customerId);
        if (link === null) throw linkNotValid();
        const { mailedTo } = link;
        if (mailedTo !== null && mailedTo !== addressHash(head.email)) throw linkNotValid();
        const use = [
          ...useLink(tokenId, session, link.keyId),
          rememberCaller(customerId, sourceIp, session.at),
        ];
        if (mailedTo === null || head.emailState === 'confirmed') {
          const writes = () => [...use, mustBeOpen(customerId)];
          return { kind: 'write', leavesHead: true, writes, answer: () => false };
        }
        const profile = { emailState: 'confirmed' } as const;
        return { kind: 'write', profile, writes: () => use, answer: () => true };
      },
    },
    first,
  );
  return { ...issued, confirmed: answer };
}

/**
 * Ends a session at once. A repeat changes nothing.
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function signOut(deps: Deps, { customerId, tokenId }: PresentedToken): Promise<void> {
  await retryContended(deps, () => writeTogether(deps.table, [endSession(customerId, tokenId, deps.now())]));
}

export interface PresentedLink extends PresentedToken {
  readonly first: LedgerView<LinkRecord | null>;
}

/** Reads the customer and the link of a token. @throws BillingError link_not_valid */
export async function presentedLink(deps: Deps, linkToken: string): Promise<PresentedLink> {
  const presented = parseToken('link', linkToken);
  if (presented === null) throw linkNotValid();
  const { customerId, tokenId } = presented;
  const [head, link] = await readTogether(deps.table, [
    keys.head(customerId),
    keys.link(customerId, tokenId),
  ]);
  if (head === undefined) throw linkNotValid();
  const usable = usableLink(link, deps.now());
  const works = usable !== null && (await keyStillWorks(deps.table, customerId, usable));
  const first = { head: decodeHead(head), related: works ? usable : null };
  return { ...presented, first };
}

/** Makes a session of 30 minutes and its token. The caller stores the session. */
export function newSession(
  deps: Deps,
  customerId: string,
): { readonly session: NewAccess; readonly issued: IssuedToken } {
  const token = formatToken(customerId, deps.randomBytes(32));
  const at = deps.now();
  const validUntil = new Date(at.getTime() + SESSION_MINUTES * MINUTE_MS);
  const session = { customerId, tokenId: tokenIdOf('session', token), at, validUntil };
  return { session, issued: { token, validUntil } };
}

/**
 * The page of a sign-in link. It shows a button, so a mail scanner that opens it does not use up the link.
 */
export const enterUrl = (apiUrl: string, token: string): string => linkUrl(apiUrl, 'enter', token);

/** The page of a link that confirms a new address. */
export const confirmUrl = (apiUrl: string, token: string): string => linkUrl(apiUrl, 'confirm', token);

const linkUrl = (apiUrl: string, page: string, token: string): string =>
  `${apiUrl}/billing/${page}?link=${encodeURIComponent(token)}`;

export const linkNotValid = (): BillingError =>
  new BillingError(
    'link_not_valid',
    'This link has expired or was used already. Ask for another one: each works once.',
  );
