import { measureCallCosts } from './call-costs.ts';
import { FULL_REACH, USUAL_REACH } from './growth.ts';
import { growthOfCustomers } from './growth-of-customers.ts';
import { growthOfHistory } from './growth-of-history.ts';
import { growthOfReconciliation } from './growth-of-reconciliation.ts';
import type { Message } from './results.ts';
import { openScene } from './scene.ts';

/* The counting process. Its functions reach the table through a meter, which would distort timings. */

const reach = process.argv.includes('--full') ? FULL_REACH : USUAL_REACH;
const send = (message: Message) => process.send?.(message);
const progress = (step: string) => send({ step });
process.once('disconnect', () => process.exit(1));

const scene = await openScene();
try {
  const calls = await measureCallCosts(scene, progress);
  const history = await growthOfHistory(scene, reach, progress);
  const customers = await growthOfCustomers(scene, reach, progress);
  const reconciliation = await growthOfReconciliation(scene, reach, progress);
  send({ counted: { calls, growth: [...history, ...customers, reconciliation] } });
} finally {
  await scene.stop();
}
process.removeAllListeners('disconnect');
process.disconnect();
