import { parseArgs } from 'node:util';
import { replayEvent } from '../lib/operations/replay-event.ts';
import { listParkedEvents, readEventRecord } from '../lib/store/events.ts';
import { runTool } from './tool.ts';

const USAGE = `Looks at webhook events that could not be applied, and applies them.

  npm run events                        the parked ones, the oldest first
  npm run events -- show evt_…          what became of one
  npm run events -- replay evt_…        fetches it from Stripe and applies it
  npm run events -- replay --parked     all that are parked

An event that was applied is never applied again. Exit code 1 when one stayed parked. The stack must be running (npm start),
on the same PORT.`;

await runTool(USAGE, async (deps, args) => {
  const { values, positionals } = parseArgs({
    args,
    options: { parked: { type: 'boolean' } },
    allowPositionals: true,
  });
  const [command = 'list', ...ids] = positionals;
  switch (command) {
    case 'list': {
      const parked = await listParkedEvents(deps.table, deps.now());
      for (const { eventId, type, receivedAt, reason } of parked) {
        console.log(`${eventId}  ${type}  ${receivedAt}\n  ${reason}`);
      }
      console.log(parked.length === 0 ? 'No event is parked.' : `${parked.length} parked.`);
      return null;
    }
    case 'show': {
      const [id] = ids;
      if (id === undefined) return USAGE;
      const record = await readEventRecord(deps.table, id);
      if (record === null) return `The event ${id} was never accepted.`;
      console.log(JSON.stringify(record, null, 2));
      return null;
    }
    case 'replay': {
      const parked = values.parked ? await listParkedEvents(deps.table, deps.now()) : [];
      const wanted = [...ids, ...parked.map(({ eventId }) => eventId)];
      if (wanted.length === 0) return values.parked ? null : USAGE;
      let stayed = 0;
      for (const id of wanted) {
        const { outcome, reason } = await replayEvent(deps, id);
        if (outcome === 'parked') stayed += 1;
        console.log(`${id}  ${outcome}  ${reason}`);
      }
      return stayed === 0 ? null : `${stayed} of ${wanted.length} stayed parked.`;
    }
    default:
      return USAGE;
  }
});
