import { INVARIANTS, verifyLedger } from '../lib/domain/verify.ts';
import { auditCustomer } from '../lib/operations/audit-customer.ts';
import { listCustomerIds } from '../lib/store/audit.ts';
import { runTool } from './tool.ts';

const USAGE = `Checks the invariants of the ledger on the local stack, its money against what the Stripe beside it has.

  npm run verify                      every customer
  npm run verify -- <customer id> …   only these

Exit code 0 when all hold, 1 when one does not. The stack must be running (npm start), on the same PORT.`;

await runTool(USAGE, async (deps, args) => {
  let customers = 0;
  let entries = 0;
  let violations = 0;
  for await (const customerId of args.length > 0 ? args : listCustomerIds(deps.table)) {
    const records = await auditCustomer(deps, customerId);
    if (records === null) return `There is no customer ${customerId}.`;
    customers += 1;
    entries += records.entries.length;
    for (const { invariant, message } of verifyLedger(records)) {
      violations += 1;
      console.log(
        `customer ${customerId}: ${message}\n  broken: ${INVARIANTS[invariant]} (invariant ${invariant})`,
      );
    }
  }
  const checked = `${customers} customers, ${entries} entries`;
  if (violations > 0) return `${violations} violations in ${checked}.`;
  console.log(`All invariants hold: ${checked}.`);
  return null;
});
