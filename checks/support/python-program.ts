import { spawn } from 'node:child_process';
import { SetupError } from '../../lib/settings/setup-error.ts';

/** Nothing listens on the port `discard`. */
const CLOSED_PORT = 'http://127.0.0.1:9';

export interface PythonProgram {
  readonly file: string;
  /** The folder of the packages that it imports. */
  readonly packages: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it reads from its standard input. */
  readonly input: string;
  readonly withinMs: number;
}

/**
 * What a Python program prints as the last line, which is JSON.
 * It cannot reach anything over HTTPS, so that it speaks to this machine alone.
 * @throws SetupError when it fails, with the end of what it wrote to its standard error
 */
export async function runPython({ file, packages, env, input, withinMs }: PythonProgram): Promise<unknown> {
  const child = spawn('python3', [file], {
    env: {
      ...process.env,
      ...env,
      PYTHONPATH: packages,
      HTTPS_PROXY: CLOSED_PORT,
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: withinMs,
  });
  let told = '';
  let complained = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text;
  });
  child.stdin.end(input);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status === 0) return JSON.parse(told.trim().split('\n').at(-1) ?? '');
  throw new SetupError(`${file} failed.`, complained.trim().split('\n').slice(-5));
}
