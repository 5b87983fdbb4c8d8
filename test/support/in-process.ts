/** Given instead of an engine's address: tables in this process, for the mutation tests, which run each test many times. */
export const IN_PROCESS = 'in-process';
