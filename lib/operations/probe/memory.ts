import * as z from 'zod/mini';
import { readSecret, writeSecret } from '../../settings/secret-parameter.ts';

const TestCustomer = z.object({
  email: z.string(),
  apiKey: z.string(),
  /** A fix of the customer that is billed. */
  fixId: z.string(),
  since: z.iso.datetime(),
});
export type TestCustomer = Readonly<z.output<typeof TestCustomer>>;

/** What one run of the probe leaves to the next. */
const Memory = z.object({
  customer: z._default(z.nullable(TestCustomer), null),
  /** When a customer was last signed up, or tried to. */
  signedUpAt: z._default(z.nullable(z.iso.datetime()), null),
  /**
   * Customers to remove, by address. An address is stored here before its sign-up, so the customer is removed
   * even if that run crashes.
   */
  leaving: z._default(z.array(z.object({ email: z.string(), since: z.iso.datetime() })), []),
});
export type Memory = Readonly<z.output<typeof Memory>>;

export interface MemoryStore {
  /** @throws Error if it cannot be read */
  readonly read: () => Promise<Memory>;
  readonly write: (memory: Memory) => Promise<void>;
}

/**
 * The probe's memory in an SSM parameter, because it has the key of a test customer. Only the probe's role
 * may read and write it. The first run creates it.
 */
export function memoryInParameter(env: NodeJS.ProcessEnv): MemoryStore {
  const name = z.string().parse(env['PROBE_PARAMETER']);
  return {
    read: async () => memoryOf(name, await readSecret(env, name)),
    write: (memory) => writeSecret(env, name, JSON.stringify(memory)),
  };
}

/**
 * Reads the memory again before changing it. So even concurrent runs, which the function's concurrency rules
 * out, would lose no customer to remove.
 */
export async function updateMemory(store: MemoryStore, change: (memory: Memory) => Memory): Promise<Memory> {
  const changed = change(await store.read());
  await store.write(changed);
  return changed;
}

/** @throws Error without the text, which has a key */
function memoryOf(name: string, text: string | null): Memory {
  if (text === null) return Memory.parse({});
  try {
    return Memory.parse(JSON.parse(text));
  } catch {
    throw new Error(`The parameter ${name} is not readable. Delete it: the probe creates it again.`);
  }
}
