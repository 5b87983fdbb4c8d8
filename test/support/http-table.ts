import type { Deps } from '../../lib/runtime/deps.ts';
import { engineEndpoint, openTestTable, testDeps } from './table.ts';

/** Gives the functions of this test file a separate table. Call this before the first request. */
export async function serveFromTestTable(): Promise<Deps> {
  const table = await openTestTable();
  Object.assign(process.env, {
    TABLE_NAME: table.name,
    STAGE: 'test',
    DYNAMODB_ENDPOINT: await engineEndpoint(),
  });
  return testDeps(table);
}
