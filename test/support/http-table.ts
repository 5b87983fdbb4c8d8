import type { Deps } from '../../lib/runtime/deps.ts';
import { engineEndpoint, openTestTable, testDeps } from './table.ts';

/** Points the functions of this test file at a table of its own. Call it before the first request. */
export async function serveFromTestTable(): Promise<Deps> {
  const table = await openTestTable();
  Object.assign(process.env, {
    TABLE_NAME: table.name,
    STAGE: 'test',
    DYNAMODB_ENDPOINT: await engineEndpoint(),
  });
  return testDeps(table);
}
