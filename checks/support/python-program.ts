import { spawn } from 'node:child_process';
import { SetupError } from '../../lib/settings/setup-error.ts';

/** The port `discard`, on which nothing listens. */
const CLOSED_PORT = 'http://127.0.0.1:9';

export interface PythonProgram {
  readonly file: string;
  /** The folder with its packages. */
  readonly packages: string;
  readonly env: Readonly<Record<string, string>>;
  /** Its standard input. */
  readonly input: string;
  readonly withinMs: number;
}

/**
 * Runs a Python program. Returns the JSON of its last line of output.
 * The program cannot use HTTPS, so it reaches only this machine.
 * @throws SetupError with the end of its standard error, when it fails
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
  let output = '';
  let complained = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text;
  });
  child.stdin.end(input);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status === 0) return JSON.parse(output.trim().split('\n').at(-1) ?? '');
  throw new SetupError(`${file} failed.`, complained.trim().split('\n').slice(-5));
}
