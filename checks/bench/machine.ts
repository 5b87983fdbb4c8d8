import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly processors: number;
  readonly model: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly engine: string;
  /** ISO 8601, the date only. */
  readonly measuredOn: string;
}

export function describeMachine(engine: string, now: Date): Machine {
  return {
    processors: availableParallelism(),
    model: cpus()[0]?.model.trim() || 'unknown',
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.version,
    engine,
    measuredOn: now.toISOString().slice(0, 10),
  };
}
