import { CommanderError } from '@commander-js/extra-typings';
import { BillingError, type ProblemCode } from '../../lib/errors.ts';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { StripeFault } from '../../lib/stripe/fault.ts';
import { awsFailure } from '../stage/aws-failure.ts';

/** The exit codes. The help documents them. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a command failed: a stable code for programs, and for people one line that says what to do. */
export class Failure extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(code: string, detail: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'Failure';
    this.code = code;
    this.exitCode = exitCode;
  }
}

export const usageFailure = (detail: string): Failure => new Failure('usage', detail, EXIT.usage);

/** Converts any error to a failure for the operator. A defect keeps the original error as its cause. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) return usageFailure(usageFault(error));
  if (error instanceof SetupError) return new Failure('stage_unreachable', error.message, EXIT.unreachable);
  const aws = awsFailure(error);
  if (aws !== null) return new Failure(aws.code, aws.detail, EXIT.unreachable);
  if (error instanceof BillingError) return new Failure(error.code, error.message, exitCodeOf(error.code));
  if (error instanceof StripeFault) {
    const detail = `Stripe could not be reached (${error.message}). Try again later.`;
    return new Failure('payments_unavailable', detail, EXIT.unreachable);
  }
  return new Failure('internal_error', `This is a defect: ${reasonOf(error)}`, EXIT.refused, {
    cause: error,
  });
}

function usageFault({ code, message }: CommanderError): string {
  // Commander printed the help instead of an error message.
  return code === 'commander.help' ? 'A command is missing.' : message.replace(/^error: /, '');
}

const UNREACHABLE: ReadonlySet<ProblemCode> = new Set([
  'ledger_unavailable',
  'payments_unavailable',
  'payments_misconfigured',
]);

const exitCodeOf = (code: ProblemCode): ExitCode => (UNREACHABLE.has(code) ? EXIT.unreachable : EXIT.refused);

/** @throws Failure always, with the code and detail that the function returned */
export function failWithProblem(problem: { readonly code: ProblemCode; readonly detail: string }): never {
  throw new Failure(problem.code, problem.detail, exitCodeOf(problem.code));
}
