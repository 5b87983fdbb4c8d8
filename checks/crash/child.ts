import * as z from 'zod/mini';
import { Command, send } from './commands.ts';
import { CrashPoint, Tripwire } from './tripwire.ts';

/*
 * Runs one command in its own process, which is killed at the crash point. Without a crash point it reports
 * its calls. The environment holds the addresses of the engine and of Stripe, as for the functions.
 */

const Task = z.object({ command: Command, point: z.nullable(CrashPoint) });

const { command, point } = Task.parse(JSON.parse(process.argv[2] ?? ''));
const tripwire = new Tripwire(point);
for (const name of ['DYNAMODB_ENDPOINT', 'STRIPE_API_BASE']) {
  process.env[name] = await tripwire.before(process.env[name] ?? '');
}
const { status, body } = await send(command);
process.stdout.write(`${JSON.stringify({ status, body, calls: tripwire.calls })}\n`);
process.exit(0);
