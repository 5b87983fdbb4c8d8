import { parseToken } from '../../domain/access/tokens.ts';
import type { OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { unsubscribedKind } from '../../store/access/unsubscribe.ts';
import { keys } from '../../store/keys.ts';
import { readTogether } from '../../store/table.ts';
import { turnOffNotice } from '../notices/change-settings.ts';

/**
 * The kind of letter that a link turns off. Changes nothing.
 * @throws BillingError link_not_valid, ledger_unavailable
 */
export async function kindToTurnOff(deps: Deps, token: string): Promise<OptionalNoticeKind> {
  return (await linkOf(deps, token)).kind;
}

/**
 * Turns off the kind of letter that a link names, and returns it. Idempotent.
 * @throws BillingError link_not_valid, ledger_busy, ledger_unavailable
 */
export async function unsubscribe(deps: Deps, token: string): Promise<OptionalNoticeKind> {
  const { customerId, kind } = await linkOf(deps, token);
  await turnOffNotice(deps, customerId, kind);
  return kind;
}

async function linkOf(deps: Deps, token: string) {
  const presented = parseToken('unsubscribe', token);
  if (presented === null) throw notValid();
  const { customerId, tokenId } = presented;
  const [item] = await readTogether(deps.table, [keys.unsubscribe(customerId, tokenId)]);
  const kind = unsubscribedKind(item, deps.now());
  if (kind === null) throw notValid();
  return { customerId, kind };
}

const notValid = (): BillingError =>
  new BillingError(
    'link_not_valid',
    'This link has expired. Use the link of a newer letter, or sign in and turn the letters off there.',
  );
