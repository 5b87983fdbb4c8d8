interface Task<Scope> {
  readonly atSeconds: number;
  readonly what: string;
  readonly run: (scope: Scope) => void;
}

/** High enough to move the clock by years, but not by a century. */
const MAX_TASKS_PER_ADVANCE = 20_000;

/** Tasks for future times. Each task checks whether it still applies when it runs. */
export class Schedule<Scope> {
  #tasks: Task<Scope>[] = [];

  at(atSeconds: number, what: string, run: (scope: Scope) => void): void {
    this.#tasks.push({ atSeconds, what, run });
  }

  get pending(): readonly { readonly at: number; readonly what: string }[] {
    return this.#tasks.map(({ atSeconds: at, what }) => ({ at, what })).toSorted((a, b) => a.at - b.at);
  }

  isDue(untilSeconds: number): boolean {
    return this.#nextDue(untilSeconds) !== undefined;
  }

  /**
   * Runs every task due until `untilSeconds`, in order of time, each at its own time. Tasks that other tasks
   * add run too.
   */
  run(untilSeconds: number, scopeAt: (seconds: number) => Scope): number {
    for (let done = 0; done < MAX_TASKS_PER_ADVANCE; done += 1) {
      const next = this.#nextDue(untilSeconds);
      if (next === undefined) return done;
      this.#tasks = this.#tasks.filter((task) => task !== next);
      next.run(scopeAt(next.atSeconds));
    }
    throw new Error(`more than ${MAX_TASKS_PER_ADVANCE} tasks in one advance of the clock`);
  }

  #nextDue(untilSeconds: number): Task<Scope> | undefined {
    let first: Task<Scope> | undefined;
    for (const task of this.#tasks) {
      if (task.atSeconds > untilSeconds) continue;
      if (first === undefined || task.atSeconds < first.atSeconds) first = task;
    }
    return first;
  }
}
