import * as z from 'zod/mini';
import { PROBLEMS, type ProblemCode } from '../../lib/errors.ts';
import type { OperatorContract } from '../../lib/operators/contract.ts';
import { EXIT, Failure, refusedBy } from '../terminal/failure.ts';
import type { Transport } from './transport.ts';

/** A contract, for one who calls. */
type Callable<Input, Result> = OperatorContract<z.ZodMiniType<unknown, Input>, z.ZodMiniType<Result>>;

/** Calls the functions of one stage, and reads their answers by their contracts. */
export class Invoker {
  readonly #transport: Transport;
  readonly #prefix: string;

  /** @param prefix what the names of the stage's functions begin with */
  constructor(prefix: string, transport: Transport) {
    this.#prefix = prefix;
    this.#transport = transport;
  }

  /**
   * Asks an operator function.
   * @throws Failure when it refuses, in its own words, or when it does not answer as it should
   */
  async call<Input, Result>(contract: Callable<Input, Result>, input: Input): Promise<Result> {
    const answer = this.#read(contract.name, Answer, await this.#send(contract.name, input));
    if (!answer.ok) return refusedBy(answer.problem);
    return this.#read(contract.name, contract.result, answer.result);
  }

  /** Runs a function that a schedule runs too; its answer is the result itself. @throws Failure as `call` does */
  async run<Input, Result>(contract: Callable<Input, Result>, input: Input): Promise<Result> {
    const answer = await this.#send(contract.name, input);
    const refusal = Refusal.safeParse(answer);
    if (refusal.success) return refusedBy(refusal.data.problem);
    return this.#read(contract.name, contract.result, answer);
  }

  close(): void {
    this.#transport.close();
  }

  async #send(name: string, input: unknown): Promise<unknown> {
    const invoked = await this.#transport.invoke(this.#prefix + name, JSON.stringify(input));
    switch (invoked.kind) {
      case 'missing':
        throw this.#missing(name);
      case 'failed':
        throw this.#unanswered(name);
      case 'answered':
        try {
          return JSON.parse(invoked.payload);
        } catch {
          throw this.#unanswered(name);
        }
      default:
        return invoked satisfies never;
    }
  }

  #read<T>(name: string, schema: z.ZodMiniType<T>, value: unknown): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw this.#unanswered(name);
  }

  #missing(name: string): Failure {
    const detail = `There is no function ${this.#prefix}${name}. Is the stage deployed, and as new as this command line? Is AWS_REGION the one of the stage?`;
    return new Failure('function_not_found', detail, EXIT.unreachable);
  }

  #unanswered(name: string): Failure {
    const detail = `The function ${this.#prefix}${name} ended without an answer. Its log says why; look at what it did before you repeat the command.`;
    return new Failure('function_failed', detail, EXIT.refused);
  }
}

const isProblemCode = (code: string): code is ProblemCode => code in PROBLEMS;

const Refusal = z.object({
  ok: z.literal(false),
  problem: z.object({
    // A stage may be newer than this command line; then its codes are not all known here.
    code: z.pipe(
      z.string(),
      z.transform((code): ProblemCode => (isProblemCode(code) ? code : 'internal_error')),
    ),
    detail: z.string(),
  }),
});

const Answer = z.discriminatedUnion('ok', [z.object({ ok: z.literal(true), result: z.unknown() }), Refusal]);
