import * as z from 'zod/mini';
import { PROBLEMS, type ProblemCode } from '../../lib/errors.ts';
import type { OperatorContract } from '../../lib/operators/contract.ts';
import { EXIT, Failure, failWithProblem } from '../terminal/failure.ts';
import type { Transport } from './transport.ts';

/** A contract from the caller's side. */
type Callable<Input, Result> = OperatorContract<z.ZodMiniType<unknown, Input>, z.ZodMiniType<Result>>;

/** Invokes the functions of one stage and validates their answers against their contracts. */
export class Invoker {
  readonly #transport: Transport;
  readonly #prefix: string;

  /** @param prefix common prefix of the stage's function names */
  constructor(prefix: string, transport: Transport) {
    this.#prefix = prefix;
    this.#transport = transport;
  }

  /**
   * Invokes an operator function.
   * @throws Failure with the function's own detail if it refuses, or if its answer is missing or invalid
   */
  async call<Input, Result>(contract: Callable<Input, Result>, input: Input): Promise<Result> {
    const answer = this.#read(contract.name, Answer, await this.#send(contract.name, input));
    if (!answer.ok) return failWithProblem(answer.problem);
    return this.#read(contract.name, contract.result, answer.result);
  }

  /** Invokes a scheduled function. Its answer is the plain result. @throws Failure as `call` does */
  async run<Input, Result>(contract: Callable<Input, Result>, input: Input): Promise<Result> {
    const answer = await this.#send(contract.name, input);
    const refusal = Refusal.safeParse(answer);
    if (refusal.success) return failWithProblem(refusal.data.problem);
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
        throw this.#noAnswer(name);
      case 'answered':
        try {
          return JSON.parse(invoked.payload);
        } catch {
          throw this.#noAnswer(name);
        }
      default:
        return invoked satisfies never;
    }
  }

  #read<T>(name: string, schema: z.ZodMiniType<T>, value: unknown): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw this.#noAnswer(name);
  }

  #missing(name: string): Failure {
    const detail =
      `There is no function ${this.#prefix}${name}. Check that the stage is deployed from this release ` +
      "and that AWS_REGION is the stage's region.";
    return new Failure('function_not_found', detail, EXIT.unreachable);
  }

  #noAnswer(name: string): Failure {
    const detail =
      `The function ${this.#prefix}${name} ended without an answer. ` +
      'Read its log to see what it did before you repeat the command.';
    return new Failure('function_failed', detail, EXIT.refused);
  }
}

const isProblemCode = (code: string): code is ProblemCode => code in PROBLEMS;

const Refusal = z.object({
  ok: z.literal(false),
  problem: z.object({
    // A stage may be newer than this command line and return unknown codes.
    code: z.pipe(
      z.string(),
      z.transform((code): ProblemCode => (isProblemCode(code) ? code : 'internal_error')),
    ),
    detail: z.string(),
  }),
});

const Answer = z.discriminatedUnion('ok', [z.object({ ok: z.literal(true), result: z.unknown() }), Refusal]);
