import { startStripeDouble } from '../../local/stripe-double/server.ts';

/* A double in a process of its own, to be killed: `node journal-child.ts <api key> <journal>`. */

const [, , apiKey = '', journalFile = ''] = process.argv;
const { port } = await startStripeDouble({ apiKey, journalFile });
console.log(port);
