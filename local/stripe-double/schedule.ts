interface Task<Scope> {
  readonly atSeconds: number;
  readonly what: string;
  readonly run: (scope: Scope) => void;
}

/** Stops a clock that was moved by a century, not one that was moved by years. */
const MAX_TASKS_PER_ADVANCE = 20_000;

/** What happens by itself when its time comes. Each task looks again whether it still applies. */
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
   * Runs what is due until `untilSeconds`, in the order of its time, each at its time: a renewal that is found inside
   * makes its own tasks, and they run too.
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
