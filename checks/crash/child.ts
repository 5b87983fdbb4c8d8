import * as z from 'zod/mini';
import { Command, send } from './commands.ts';
import { CrashPoint, Tripwire } from './tripwire.ts';

/*
 * One command in a process of its own, which is killed where the task says. Without a crash point it says which calls it
 * made. The engine's and Stripe's addresses are in the environment, as the functions read them.
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
