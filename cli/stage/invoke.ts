import { InvokeCommand, LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import { PROBLEMS, type ProblemCode } from '../../lib/errors.ts';
import type { OperatorContract } from '../../lib/operators/contract.ts';
import { EXIT, Failure, refusedBy } from '../terminal/failure.ts';

/** Longer than any function of ours may run. */
const ANSWER_WITHIN_MS = 300_000;
const CONNECT_WITHIN_MS = 5_000;

/** A contract, for one who calls. */
type Callable<Input, Result> = OperatorContract<z.ZodMiniType<unknown, Input>, z.ZodMiniType<Result>>;

/** Calls functions of one stage, with the operator's own right to do so. */
export class Invoker {
  readonly #client: LambdaClient;
  readonly #prefix: string;

  /** @param prefix what the names of the stage's functions begin with */
  constructor(prefix: string, endpoint: string | undefined, answerWithinMs = ANSWER_WITHIN_MS) {
    this.#prefix = prefix;
    this.#client = new LambdaClient({
      // A lost answer is the operator's to judge: a key that was issued must not be issued again unseen.
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: CONNECT_WITHIN_MS,
        requestTimeout: answerWithinMs,
        throwOnRequestTimeout: true,
      },
      ...(endpoint === undefined ? {} : { endpoint }),
    });
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
    this.#client.destroy();
  }

  async #send(name: string, input: unknown): Promise<unknown> {
    const command = new InvokeCommand({
      FunctionName: this.#prefix + name,
      Payload: JSON.stringify(input),
    });
    const { Payload, FunctionError } = await this.#client.send(command).catch((error: unknown) => {
      throw error instanceof ResourceNotFoundException ? this.#missing(name) : error;
    });
    if (FunctionError !== undefined) throw this.#unanswered(name);
    try {
      return JSON.parse(Payload?.transformToString() ?? '');
    } catch {
      throw this.#unanswered(name);
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
