import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SetupError } from '../../lib/settings/setup-error.ts';
import type { Api } from '../../local/stack/api-process.ts';
import { RestartableApi } from '../../local/stack/restartable-api.ts';
import { debounce } from '../../local/stack/watch.ts';

describe('the debounce of npm start -- --watch', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('many changes in a row cause one restart', async () => {
    const run = vi.fn(async () => {});
    const touch = debounce(run, 100);
    for (let n = 0; n < 5; n++) {
      touch();
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(run).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(100);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('changes during a restart cause one more restart afterwards', async () => {
    const ends: (() => void)[] = [];
    const run = vi.fn(() => new Promise<void>((resolve) => ends.push(resolve)));
    const touch = debounce(run, 100);
    touch();
    await vi.advanceTimersByTimeAsync(100);
    for (let n = 0; n < 3; n++) {
      touch();
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(run).toHaveBeenCalledTimes(1);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(200);
    expect(run).toHaveBeenCalledTimes(2);
    ends[1]?.();
    await vi.advanceTimersByTimeAsync(500);
    expect(run).toHaveBeenCalledTimes(2);
  });
});

describe('a restartable API', () => {
  /** Fake APIs that can be stopped or ended. `faults` are the errors of the starts, in order. */
  function fake(faults: readonly (SetupError | null)[] = []) {
    const started: { stopped: boolean; end: (reason: string) => void }[] = [];
    const left = [...faults];
    const printed: string[] = [];
    const start = async (): Promise<Api> => {
      const fault = left.shift() ?? null;
      if (fault !== null) throw fault;
      const exited = Promise.withResolvers<string>();
      const one = { stopped: false, end: exited.resolve };
      started.push(one);
      const stop = async () => {
        one.stopped = true;
      };
      return { exited: exited.promise, stop };
    };
    return { api: new RestartableApi(start, (line) => printed.push(line)), started, printed };
  }
  const { signal } = new AbortController();

  it('a restart stops the running API before it starts the next', async () => {
    const { api, started, printed } = fake();
    await api.start();
    await api.restart();
    expect(started.map(({ stopped }) => stopped)).toEqual([true, false]);
    expect(printed).toEqual([expect.stringMatching(/^The API was restarted in \d+\.\d s\.$/)]);
  });

  it('a restart with code that does not build prints the error and waits for the next change', async () => {
    const broken = new SetupError('The API did not start: exit code 1', [
      'functions/health.ts:18:6: ERROR',
      '    at Pipe.onStreamRead',
    ]);
    const { api, started, printed } = fake([null, broken]);
    await api.start();
    await api.restart();
    expect(printed).toEqual([
      'The API did not start: exit code 1',
      '  functions/health.ts:18:6: ERROR',
      'Waiting for the next change.',
    ]);
    await api.restart();
    await api.untilUp(signal);
    expect(started.map(({ stopped }) => stopped)).toEqual([true, false]);
  });

  it('function calls wait until the API is up again or the stack stops', async () => {
    const broken = new SetupError('The API did not start');
    const { api } = fake([null, broken]);
    await api.start();
    await api.untilUp(signal);
    await api.restart();
    const stopping = new AbortController();
    let isUp = false;
    const waiting = api.untilUp(signal).then(() => {
      isUp = true;
    });
    const aborted = api.untilUp(stopping.signal);
    stopping.abort();
    await aborted;
    expect(isUp).toBe(false);
    await api.restart();
    await waiting;
  });

  it('the stack ends if the current API exits, but not if a replaced one does', async () => {
    const { api, started } = fake();
    await api.start();
    await api.restart();
    started[0]?.end('the first');
    await Promise.resolve();
    started[1]?.end('the second');
    expect(await api.exited).toBe('the second');
  });

  it('the API is not restarted after the stack was stopped', async () => {
    const { api, started } = fake();
    await api.start();
    await api.stop();
    await api.restart();
    expect(started.map(({ stopped }) => stopped)).toEqual([true]);
  });
});
