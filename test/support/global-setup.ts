import type { TestProject } from 'vitest/node';
import { startEngine } from '../../local/stack/engine.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    dynamodbEndpoint: string;
  }
}

/** Starts one real engine for the whole run: Dynoxide, or the one at DYNAMODB_ENDPOINT. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engine = await startEngine();
  console.log(`The tests use ${engine.describe}`);
  project.provide('dynamodbEndpoint', engine.endpoint);
  return () => engine.stop();
}
