import * as z from 'zod/mini';
import type { Access } from './account.ts';
import { type Ended, runProgram } from './command-line.ts';
import { Fault } from './parts.ts';
import type { Scene } from './scene.ts';

const Doctor = z.object({
  verdict: z.string(),
  checks: z.array(z.object({ id: z.string(), state: z.string(), detail: z.string() })),
});
export type DoctorReport = z.output<typeof Doctor>;

const Smoke = z.object({
  ok: z.boolean(),
  steps: z.array(z.object({ id: z.string(), state: z.string(), detail: z.string() })),
});

/** The command line, as an operator of the deployed stage uses it. */
export class Operator {
  readonly #scene: Scene;
  readonly #access: Access;

  constructor(scene: Scene, access: Access) {
    this.#scene = scene;
    this.#access = access;
  }

  /** Returns what the command printed, as JSON. @throws Fault unless its exit code is one of these */
  async run(args: readonly string[], codes: readonly number[] = [0]): Promise<unknown> {
    const { code, stdout, stderr } = await this.#end([...args, '--json']);
    if (code !== null && codes.includes(code)) return JSON.parse(stdout);
    throw new Fault(`${args.slice(0, 2).join(' ')} ended with ${code}: ${stdout}${stderr}`.trim());
  }

  /** A finding is not an error here. */
  async doctor(): Promise<DoctorReport> {
    return Doctor.parse(await this.run(['doctor'], [0, 1, 3]));
  }

  /** Returns the number of its steps. @throws Fault that names the step that failed */
  async smoke(): Promise<number> {
    const { ok, steps } = Smoke.parse(await this.run(['smoke', '--url', this.#scene.url], [0, 1]));
    const wrong = steps.find(({ state }) => state === 'wrong');
    if (ok && wrong === undefined) return steps.length;
    throw new Fault(`smoke: ${wrong?.id ?? 'no step'}: ${wrong?.detail ?? 'not ok'}`);
  }

  #end(args: readonly string[]): Promise<Ended> {
    const { definition, stripe } = this.#scene;
    return runProgram('cli/main.ts', ['--stage', definition.stage, ...args], this.#access, {
      STRIPE_API_BASE: stripe.url,
    });
  }
}
