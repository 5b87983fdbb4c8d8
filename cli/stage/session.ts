import * as z from 'zod/mini';
import { confirm, type PromptTerminal } from '../terminal/confirm.ts';
import { EXIT, type ExitCode, Failure, toFailure } from '../terminal/failure.ts';
import type { Interrupt } from '../terminal/interrupt.ts';
import { Output, type Screen, type Streams } from '../terminal/output.ts';
import { STAGES, type Stage, type StageName } from './stage.ts';

/** The environment of one run of the command line. */
export interface Shell extends Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly env: NodeJS.ProcessEnv;
  readonly interrupt: Interrupt;
  /** @throws Failure or SetupError if the stage cannot be reached at all */
  readonly openStage: (name: StageName, env: NodeJS.ProcessEnv) => Stage;
}

/** The open stage and the output that a command works with. */
export interface Session {
  readonly stage: Stage;
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the operator interrupts. */
  readonly signal: AbortSignal;
  /** Asks before an action that cannot be undone, unless `yes` is true. @throws Failure if not confirmed */
  confirm(question: string, yes: boolean): Promise<void>;
}

/** Undefined means success. */
export type CommandAction = (session: Session) => Promise<ExitCode | undefined>;

export interface RunOptions {
  /**
   * The action watches the abort signal and cleans up. Otherwise the runner stops waiting for it on an
   * interrupt.
   */
  readonly handlesInterrupt?: boolean;
}

/** Options that every command has. */
const Globals = z.object({ stage: z.enum(STAGES), json: z._default(z.boolean(), false) });

/** Runs every command the same way: opens the stage, runs the action, reports a failure, closes the stage. */
export class Runner {
  readonly #shell: Shell;
  #exitCode: ExitCode = EXIT.ok;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  get exitCode(): ExitCode {
    return this.#exitCode;
  }

  get env(): NodeJS.ProcessEnv {
    return this.#shell.env;
  }

  /** @param command the parsed command, for its global options */
  async run(
    command: { optsWithGlobals(): unknown },
    action: CommandAction,
    { handlesInterrupt = false }: RunOptions = {},
  ): Promise<void> {
    const globals = Globals.parse(command.optsWithGlobals());
    const out = new Output(this.#shell, globals.json, globals.stage);
    let stage: Stage | undefined;
    try {
      stage = this.#shell.openStage(globals.stage, this.#shell.env);
      const running = action(this.#sessionOn(stage, out));
      this.#exitCode = (await (handlesInterrupt ? running : this.#untilInterrupted(running))) ?? EXIT.ok;
    } catch (error) {
      const failure = toFailure(error);
      this.fail(stage?.explain(failure) ?? failure, out);
    } finally {
      stage?.close();
    }
  }

  fail(failure: Failure, out: Output): void {
    out.failure(failure);
    this.#exitCode = failure.exitCode;
  }

  #sessionOn(stage: Stage, out: Output): Session {
    const { stdin, stderr, env, interrupt } = this.#shell;
    const terminal: PromptTerminal = { stdin, stderr, interrupt: interrupt.request, stage: stage.name };
    return {
      stage,
      out,
      env,
      signal: interrupt.signal,
      confirm: async (question, yes) => {
        if (!yes) await confirm(terminal, question);
      },
    };
  }

  /** Rejects on an interrupt, without waiting for the action. */
  #untilInterrupted<T>(running: Promise<T>): Promise<T> {
    const { signal } = this.#shell.interrupt;
    return new Promise((resolve, reject) => {
      const stop = () => reject(new Failure('interrupted', 'Interrupted.', EXIT.interrupted));
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      running.then(resolve, reject);
    });
  }
}
