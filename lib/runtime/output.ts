/*
 * What a function writes: log lines, and metrics in CloudWatch's embedded format. Each is one line of JSON on
 * stdout, past Lambda's own console, which would write a time and a level before it.
 */

const LEVELS = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, CRITICAL: 5, SILENT: 6 } as const;
type Level = 'info' | 'warn' | 'error';

/** How a process writes. Read from its environment once. */
export interface OutputSettings {
  readonly service: string;
  readonly namespace: string;
  /** Less important lines are not written. */
  readonly leastLevel: keyof typeof LEVELS;
  readonly writesMetrics: boolean;
  readonly write: (level: Level, line: string) => void;
  readonly now: () => Date;
  /** The id of the current trace, in the form that X-Ray passes it on. */
  readonly trace: () => string | undefined;
}

export function outputSettings(env: NodeJS.ProcessEnv): OutputSettings {
  const { LOG_LEVEL = 'INFO', LOG_TO_CONSOLE, METRICS_NAMESPACE = 'RSOLV/Billing' } = env;
  return {
    service: env['SERVICE_NAME'] ?? 'rsolv-billing',
    namespace: METRICS_NAMESPACE,
    leastLevel: isLevel(LOG_LEVEL) ? LOG_LEVEL : 'INFO',
    writesMetrics: env['METRICS_DISABLED'] !== 'true',
    write:
      LOG_TO_CONSOLE === 'true'
        ? (level, line) => console[level](line)
        : (_level, line) => void process.stdout.write(`${line}\n`),
    now: () => new Date(),
    trace: () => env['_X_AMZN_TRACE_ID'],
  };
}

const isLevel = (name: string): name is keyof typeof LEVELS => Object.hasOwn(LEVELS, name);

export type Logger = Readonly<Record<Level, (message: string, facts: object) => void>>;

export function loggerOf({ service, leastLevel, write, now, trace }: OutputSettings): Logger {
  const log = (level: Level, name: 'INFO' | 'WARN' | 'ERROR') => (message: string, facts: object) => {
    if (LEVELS[name] < LEVELS[leastLevel]) return;
    const about = { level: name, message, timestamp: now().toISOString(), service };
    const xray_trace_id = /Root=([^;]+)/.exec(trace() ?? '')?.[1];
    write(level, asJson({ ...about, xray_trace_id }, facts));
  };
  return { info: log('info', 'INFO'), warn: log('warn', 'WARN'), error: log('error', 'ERROR') };
}

/** Never throws: a line that cannot be written must not fail a request. */
function asJson(about: object, facts: object): string {
  try {
    return JSON.stringify({ ...about, ...facts });
  } catch {
    return JSON.stringify({ ...about, unwritable: Object.keys(facts) });
  }
}

/** How counts are written. */
export interface CountOptions {
  /** The units of metrics that are no counts. */
  readonly units?: Readonly<Partial<Record<string, string>>>;
  /** A second set of dimensions, which has these besides the service. */
  readonly alsoBy?: Readonly<Record<string, string>>;
}

/**
 * Writes counts as one line. A metric that is counted several times keeps each value, for percentiles.
 */
export function writeCounts(
  { service, namespace, writesMetrics, write, now }: OutputSettings,
  counts: readonly (readonly [string, number])[],
  { units = {}, alsoBy = {} }: CountOptions = {},
): void {
  if (!writesMetrics || counts.length === 0) return;
  const values = new Map<string, number[]>();
  for (const [name, count] of counts) values.set(name, [...(values.get(name) ?? []), count]);
  const names = Object.keys(alsoBy);
  const metrics = {
    Namespace: namespace,
    Dimensions: [['service'], ...(names.length > 0 ? [['service', ...names]] : [])],
    Metrics: [...values.keys()].map((Name) => ({ Name, Unit: units[Name] ?? 'Count' })),
  };
  const line = {
    _aws: { Timestamp: now().getTime(), CloudWatchMetrics: [metrics] },
    service,
    ...alsoBy,
    ...Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all])),
  };
  write('info', JSON.stringify(line));
}
