import { startStripeDouble } from '../../local/stripe-double/server.ts';

/* A stand-in in its own process, which a test kills: `node journal-child.ts <api key> <journal>`. */

const [, , apiKey = '', journalFile = ''] = process.argv;
const { port } = await startStripeDouble({ apiKey, journalFile });
console.log(port);
