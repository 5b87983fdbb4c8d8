import { describe, expect, it } from 'vitest';
import { applyEvent } from '../../lib/operations/events/apply-event.ts';
import { auditCustomer } from '../../lib/operations/reconcile/audit-customer.ts';
import { reconcile } from '../../lib/operations/reconcile/run.ts';
import { openBooks } from '../../test/support/reconciliation.ts';
import { FAULTS } from './old-rules.ts';
import { SCENARIOS, type Scene } from './scenarios.ts';

/** The number of the fault whose old rule is patched in. Undefined with today's rules. */
const patched = process.env['OLD_RULE'];

async function scene(): Promise<Scene> {
  const books = await openBooks();
  const delivered = new Set<string>();
  const deliverEvents = async () => {
    // Applying an event can create further events.
    for (let left = 5; left > 0; left--) {
      const events = books.events().filter(({ id }) => !delivered.has(id));
      if (events.length === 0) return;
      for (const event of events) {
        delivered.add(event.id);
        await applyEvent(books.deps, event).catch(() => {});
      }
    }
  };
  return { ...books, deliverEvents };
}

async function findings(number: number): Promise<string[]> {
  const stage = await scene();
  const { customerId } = (await SCENARIOS[number]?.(stage)) ?? { customerId: '' };
  await stage.deliverEvents();
  expect(await auditCustomer(stage.deps, customerId)).not.toBeNull();
  // The reconciliation leaves recent differences to Stripe's own delivery.
  stage.wait(60 * 60_000);
  const { report } = await reconcile(stage.deps, { run: 'proof' });
  return report.drift.named.map(({ message }) => message);
}

describe('the auditor', () => {
  const shown = patched === undefined ? FAULTS : FAULTS.filter(({ number }) => String(number) === patched);

  it.each(shown)(
    'today’s rules prevent or report fault $number: $what',
    async ({ number, says, isForAPerson }) => {
      const found = await findings(number);
      console.log(`PROOF ${number} ${JSON.stringify(found)}`);
      const isNamed = found.some((message) => says.test(message));
      if (patched !== undefined || isForAPerson) expect(isNamed, found.join('\n')).toBe(true);
      else expect(found).toEqual([]);
    },
  );
});
