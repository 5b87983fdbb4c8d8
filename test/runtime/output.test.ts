import { beforeEach, describe, expect, it } from 'vitest';
import { loggerOf, type OutputSettings, outputSettings, writeCounts } from '../../lib/runtime/output.ts';

let lines: { readonly level: string; readonly line: string }[];
let settings: OutputSettings;
beforeEach(() => {
  const written: typeof lines = [];
  lines = written;
  settings = {
    service: 'rsolv-billing',
    namespace: 'RSOLV/Billing/test',
    leastLevel: 'INFO',
    writesMetrics: true,
    write: (level, line) => void written.push({ level, line }),
    now: () => new Date('2026-03-03T12:00:00Z'),
    trace: () => 'Root=1-abc-def;Parent=x;Sampled=1',
  };
});

const parsed = () => lines.map(({ line }): unknown => JSON.parse(line));

describe('a log line', () => {
  it('a log line is one line of JSON with level, time, service, trace and facts', () => {
    loggerOf(settings).warn('event', { event_id: 'evt_1', text: 'two\nlines', left_out: undefined });
    expect(lines).toEqual([{ level: 'warn', line: expect.not.stringContaining('\n') }]);
    expect(parsed()).toEqual([
      {
        level: 'WARN',
        message: 'event',
        timestamp: '2026-03-03T12:00:00.000Z',
        service: 'rsolv-billing',
        xray_trace_id: '1-abc-def',
        event_id: 'evt_1',
        text: 'two\nlines',
      },
    ]);
  });

  it('a log line outside a trace has no trace', () => {
    loggerOf({ ...settings, trace: () => undefined }).info('run', {});
    expect(parsed()).toEqual([expect.not.objectContaining({ xray_trace_id: expect.anything() })]);
  });

  it('facts that JSON cannot hold do not fail the request, and are named', () => {
    loggerOf(settings).error('run', { big: 1n });
    expect(parsed()).toEqual([expect.objectContaining({ message: 'run', unwritable: ['big'] })]);
  });

  it.each([
    ['INFO', ['info', 'warn', 'error']],
    ['WARN', ['warn', 'error']],
    ['CRITICAL', []],
    ['SILENT', []],
  ] as const)('with the level %s, the lines %j are written', (leastLevel, written) => {
    const { info, warn, error } = loggerOf({ ...settings, leastLevel });
    info('a', {});
    warn('b', {});
    error('c', {});
    expect(lines.map(({ level }) => level)).toEqual(written);
  });
});

describe('a line of metrics', () => {
  it('counts are one line in the embedded metric format', () => {
    writeCounts(settings, [
      ['FixBilled', 1],
      ['Drift', 0],
    ]);
    expect(parsed()).toEqual([
      {
        _aws: {
          Timestamp: Date.parse('2026-03-03T12:00:00Z'),
          CloudWatchMetrics: [
            {
              Namespace: 'RSOLV/Billing/test',
              Dimensions: [['service']],
              Metrics: [
                { Name: 'FixBilled', Unit: 'Count' },
                { Name: 'Drift', Unit: 'Count' },
              ],
            },
          ],
        },
        service: 'rsolv-billing',
        FixBilled: 1,
        Drift: 0,
      },
    ]);
  });

  it('a metric that is counted twice in one event has both values', () => {
    writeCounts(settings, [
      ['FixBilled', 1],
      ['FixBilled', 1],
    ]);
    expect(parsed()).toEqual([expect.objectContaining({ FixBilled: [1, 1] })]);
  });

  it('metrics can be switched off, also where the log is silent', () => {
    writeCounts({ ...settings, writesMetrics: false }, [['FixBilled', 1]]);
    expect(lines).toEqual([]);
  });
});

describe('the settings of the output', () => {
  it('a deployed function writes its namespace and every line from INFO', () => {
    expect(outputSettings({ SERVICE_NAME: 's', METRICS_NAMESPACE: 'n' })).toMatchObject({
      service: 's',
      namespace: 'n',
      leastLevel: 'INFO',
      writesMetrics: true,
    });
  });

  it('an unknown level counts as INFO, so that no line is lost', () => {
    expect(outputSettings({ LOG_LEVEL: 'loud' }).leastLevel).toBe('INFO');
    expect(outputSettings({ LOG_LEVEL: 'toString' }).leastLevel).toBe('INFO');
  });
});
