import * as z from 'zod/mini';
import { type Asking, confirm } from '../terminal/confirm.ts';
import { EXIT, type ExitCode, Failure, toFailure } from '../terminal/failure.ts';
import type { Interrupt } from '../terminal/interrupt.ts';
import { Output, type Streams } from '../terminal/output.ts';
import { openStage, STAGES, type Stage } from './stage.ts';

/** What a run of the command line has around it. */
export interface Shell extends Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly env: NodeJS.ProcessEnv;
  readonly interrupt: Interrupt;
}

/** What a command works with. */
export interface Session {
  readonly stage: Stage;
  readonly out: Output;
  /** Aborted when the operator wants to stop. */
  readonly signal: AbortSignal;
  /** Asks before something that cannot be undone, unless it was said beforehand. @throws Failure */
  confirm(question: string, yes: boolean): Promise<void>;
}

/** Without a word from the command, all is well. */
export type Work = (session: Session) => Promise<ExitCode | undefined>;

export interface RunOptions {
  /** The work looks at the signal itself and comes to an end in order. */
  readonly endsInOrder?: boolean;
}

/** Options that every command has. */
const Globals = z.object({ stage: z.enum(STAGES), json: z._default(z.boolean(), false) });

/** Runs commands one way: the stage is opened and closed again, and whatever goes wrong is told in the one form. */
export class Runner {
  readonly #shell: Shell;
  #exitCode: ExitCode = EXIT.ok;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  get exitCode(): ExitCode {
    return this.#exitCode;
  }

  /** @param command the command that was given, with the options of all */
  async run(
    command: { optsWithGlobals(): unknown },
    work: Work,
    { endsInOrder = false }: RunOptions = {},
  ): Promise<void> {
    const globals = Globals.parse(command.optsWithGlobals());
    const out = new Output(this.#shell, globals.json);
    let stage: Stage | undefined;
    try {
      stage = openStage(globals.stage, this.#shell.env);
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
    const { stdin, stderr, interrupt } = this.#shell;
    const asking: Asking = { stdin, stderr, interrupt: interrupt.request };
    return {
      stage,
      out,
      signal: interrupt.signal,
      confirm: async (question, yes) => {
        if (!yes) await confirm(asking, `${onStage(stage)}${question}`);
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

/** On one's own machine it needs no saying. */
const onStage = ({ name }: Stage): string => (name === 'local' ? '' : `On ${name}: `);
