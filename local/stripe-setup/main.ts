import { stripeSetup } from './setup.ts';

/* `npm run stripe:setup` */

process.exitCode = await stripeSetup(process.argv.slice(2), process.env, {
  print: (text) => console.log(text),
  fault: (text) => console.error(text),
});
