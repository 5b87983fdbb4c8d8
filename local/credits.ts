import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { adjustCredits } from '../lib/operations/adjust-credits.ts';
import { runTool } from './tool.ts';

const USAGE = `Gives a customer of the local stack credits, or takes some, as an operator's adjustment.

  npm run credits -- <customer id> <amount> [--reason TEXT] [--key IDEMPOTENCY_KEY]

  npm run credits -- 8e29f623… 95            100 credits for a new customer
  npm run credits -- 8e29f623… -3 --key t1   the same key again changes nothing

The stack must be running (npm start), on the same PORT.`;

await runTool(USAGE, async (deps, args) => {
  const { values, positionals } = parseArgs({
    // A negative amount is no option.
    args: args.map((arg) => (/^-\d+$/.test(arg) ? ` ${arg}` : arg)),
    options: { reason: { type: 'string' }, key: { type: 'string' } },
    allowPositionals: true,
  });
  const [customerId, amount, ...rest] = positionals;
  if (customerId === undefined || amount === undefined || rest.length > 0) return USAGE;
  if (!/^[+-]?[1-9]\d{0,6}$/.test(amount.trim()))
    return `"${amount.trim()}" is not a whole number of credits.`;
  const { balance, seq, already } = await adjustCredits(deps, customerId, {
    amount: Number(amount),
    reason: values.reason ?? 'local try-out',
    actor: 'operator',
    idempotencyKey: values.key ?? randomUUID(),
  });
  console.log(`${already ? 'Was done before' : 'Done'}: entry ${seq}, balance ${balance}.`);
  return null;
});
