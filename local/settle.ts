import { parseArgs } from 'node:util';
import { settlePendingCharges } from '../lib/operations/settle-pending-charges.ts';
import { reasonOf } from './setup-error.ts';
import { runTool } from './tool.ts';

const USAGE = `Takes up the charges, orders and refunds that a crash or a silent Stripe left open, as the schedule does every 5 minutes.

  npm run settle              what is older than 2 minutes
  npm run settle -- --now     all of it, also what a request may just be busy with; that is safe

Exit code 0 when nothing is left open. The stack must be running (npm start), on the same PORT.`;

await runTool(USAGE, async (deps, args) => {
  const { values } = parseArgs({ args, options: { now: { type: 'boolean' } } });
  const { settled, failed } = await settlePendingCharges(deps, ...(values.now ? [0] : []));
  for (const { work, error } of failed)
    console.log(`still open: ${JSON.stringify(work.item)}: ${reasonOf(error)}`);
  if (failed.length > 0) return `${settled} settled, ${failed.length} still open; run it again.`;
  console.log(
    `${settled} settled; nothing ${values.now ? '' : 'that is older than 2 minutes '}is left open.`,
  );
  return null;
});
