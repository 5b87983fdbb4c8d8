import * as z from 'zod/mini';
import { SetupError } from './setup-error.ts';

/** Powertools' own names. */
const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL', 'SILENT'] as const;

const Environment = z.object({
  PORT: z._default(
    z.pipe(
      z.string().check(z.regex(/^\d{1,5}$/)),
      z.pipe(z.transform(Number), z.int().check(z.minimum(1), z.maximum(65_535))),
    ),
    4_000,
  ),
  DATA_DIR: z.optional(z.string()),
  DYNAMODB_ENDPOINT: z.optional(z.url({ protocol: /^https?$/ })),
  LOG_LEVEL: z._default(z.pipe(z.pipe(z.string(), z.transform(upperCase)), z.enum(LOG_LEVELS)), 'WARN'),
});

const ALLOWED: Readonly<Record<string, string>> = {
  PORT: 'a whole number from 1 to 65535',
  DYNAMODB_ENDPOINT: 'an http or https URL, like http://127.0.0.1:8000',
  LOG_LEVEL: `one of ${LOG_LEVELS.join(', ')}`,
};

export interface Settings {
  readonly port: number;
  /** Where the data outlives the stack; without it the ledger is in memory. */
  readonly dataDir: string | undefined;
  /** Another DynamoDB engine, already running. */
  readonly dynamodbEndpoint: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

/** @throws SetupError naming each variable that is wrong, its value, and what it may be. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  // `PORT= npm start` means no choice, the same as leaving it out.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map(({ path }) => String(path[0])));
    throw new SetupError(
      [...names].map((name) => `${name} is "${given[name]}"; it must be ${ALLOWED[name]}.`).join(' '),
    );
  }
  const { PORT, DATA_DIR, DYNAMODB_ENDPOINT, LOG_LEVEL } = parsed.data;
  return { port: PORT, dataDir: DATA_DIR, dynamodbEndpoint: DYNAMODB_ENDPOINT, logLevel: LOG_LEVEL };
}

function upperCase(text: string): string {
  return text.toUpperCase();
}
