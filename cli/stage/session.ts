import * as z from 'zod/mini';
import { type Asking, confirm } from '../terminal/confirm.ts';
import { EXIT, type ExitCode, Failure, toFailure } from '../terminal/failure.ts';
import type { Interrupt } from '../terminal/interrupt.ts';
import { Output, type Screen, type Streams } from '../terminal/output.ts';
import { STAGES, type Stage, type StageName } from './stage.ts';

/** What a run of the command line has around it. */
export interface Shell extends Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly env: NodeJS.ProcessEnv;
  readonly interrupt: Interrupt;
  /** @throws Failure, SetupError when the stage cannot be reached at all */
  readonly openStage: (name: StageName, env: NodeJS.ProcessEnv) => Stage;
}

/** What a command works with. */
export interface Session {
  readonly stage: Stage;
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the operator wants to stop. */
  readonly signal: AbortSignal;
  /** Asks before something that cannot be undone, unless `yes` was given on the command line. @throws Failure */
  confirm(question: string, yes: boolean): Promise<void>;
}

/** A command that returns nothing has succeeded. */
export type Work = (session: Session) => Promise<ExitCode | undefined>;

export interface RunOptions {
  /** The work looks at the signal itself and comes to an end in order. */
  readonly endsInOrder?: boolean;
}

/** Options that every command has. */
const Globals = z.object({ stage: z.enum(STAGES), json: z._default(z.boolean(), false) });

/** Runs commands one way: opens the stage, closes it again, and reports every failure in one form. */
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

  /** @param command the command that was given, with the options of all */
  async run(
    command: { optsWithGlobals(): unknown },
    work: Work,
    { endsInOrder = false }: RunOptions = {},
  ): Promise<void> {
    const globals = Globals.parse(command.optsWithGlobals());
    const out = new Output(this.#shell, globals.json, globals.stage);
    let stage: Stage | undefined;
    try {
      stage = this.#shell.openStage(globals.stage, this.#shell.env);
      const running = work(this.#sessionOn(stage, out));
      this.#exitCode = (await (endsInOrder ? running : this.#unlessInterrupted(running))) ?? EXIT.ok;
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
    const asking: Asking = { stdin, stderr, interrupt: interrupt.request, stage: stage.name };
    return {
      stage,
      out,
      env,
      signal: interrupt.signal,
      confirm: async (question, yes) => {
        if (!yes) await confirm(asking, question);
      },
    };
  }

  #unlessInterrupted<T>(running: Promise<T>): Promise<T> {
    const { signal } = this.#shell.interrupt;
    return new Promise((resolve, reject) => {
      const stop = () => reject(new Failure('interrupted', 'Interrupted.', EXIT.interrupted));
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      running.then(resolve, reject);
    });
  }
}
