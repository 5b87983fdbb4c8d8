import { addOpenWork, NO_OPEN_WORK, type OpenWork, withOpenWork } from '../../domain/reconciliation.ts';
import { readDueWork } from '../../store/audit/survey.ts';
import { openClosingOf } from '../../store/closing.ts';
import type { StoredWork } from '../../store/due-work.ts';
import { decodeEvent } from '../../store/events.ts';
import { decodeFix } from '../../store/fix-attempts.ts';
import { decodeDoublePayment } from '../../store/guards.ts';
import { decodeOrder } from '../../store/orders.ts';
import { UnreadableItem } from '../../store/record.ts';
import { whyOf } from './outage.ts';
import { MINUTE_MS, type Work } from './work.ts';

/** The sweeper has come by a dozen times until then. */
const PENDING_AFTER_MS = 60 * MINUTE_MS;

/**
 * Names what waits to be finished: charges and orders for Pro without an outcome for over an hour, payments that have not gone
 * back, events that are parked. All of it is looked at in one go, at the end.
 * @throws BillingError ledger_unavailable
 */
export async function listOpenWork({ deps, held, meter }: Work): Promise<void> {
  const before = new Date(deps.now().getTime() - PENDING_AFTER_MS).toISOString();
  let open = NO_OPEN_WORK;
  for (const kind of ['charge', 'parked'] as const) {
    for await (const page of readDueWork(deps.table, kind, meter)) {
      open = addOpenWork(
        open,
        page.map((due) => openWork(due, before)).filter((work) => work !== null),
      );
    }
  }
  await held.advance(({ report, position }) => ({ report: withOpenWork(report, open), position }));
}

/** Null for what has only begun. */
function openWork(due: StoredWork, before: string): OpenWork | null {
  try {
    return describe(due, before);
  } catch (error) {
    const customerId = 'customerId' in due.item ? due.item.customerId : null;
    return { customerId, since: null, message: whyOf(error) };
  }
}

function describe({ item, stored }: StoredWork, before: string): OpenWork | null {
  switch (item.kind) {
    case 'fix': {
      const { charge } = decodeFix(stored);
      // When it came due says little: each try of the sweeper puts that off.
      if (charge === null || charge.startedAt > before) return null;
      const message = `the charge of fix ${item.fixId}, attempt ${charge.attempt}, has no outcome`;
      return { customerId: item.customerId, since: charge.startedAt, message };
    }
    case 'order': {
      const { attempt, startedAt } = decodeOrder(stored);
      if (startedAt > before) return null;
      const message = `the order for Pro, attempt ${attempt}, has no outcome`;
      return { customerId: item.customerId, since: startedAt, message };
    }
    case 'double_payment': {
      const { fixAttemptId, paymentIntentId } = decodeDoublePayment(stored);
      const message = `payment ${paymentIntentId}, a second one for fix ${fixAttemptId}, has not gone back`;
      return { customerId: item.customerId, since: null, message };
    }
    case 'closing': {
      const closing = openClosingOf(stored);
      if (closing === null || closing.closedAt > before) return null;
      const message = 'the account is closed, and not everything is taken away yet';
      return { customerId: item.customerId, since: closing.closedAt, message };
    }
    case 'event': {
      const { eventId, type, reason, customerId, receivedAt } = decodeEvent(stored);
      return { customerId, since: receivedAt, message: `event ${eventId} (${type}) is parked: ${reason}` };
    }
    case 'head':
    case 'notice':
      return null;
    case 'unknown':
      throw new UnreadableItem(stored, ['sk']);
    default:
      return item satisfies never;
  }
}
