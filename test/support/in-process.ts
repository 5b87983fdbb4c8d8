/**
 * Replaces the engine's address: tables live in this process. Mutation tests use this, because they run each
 * test many times.
 */
export const IN_PROCESS = 'in-process';
