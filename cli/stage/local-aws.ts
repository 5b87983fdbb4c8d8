/**
 * Keeps the AWS SDK of this process, and of its child processes, away from every real account. Removes the
 * developer's profile, keys and endpoints, and sets credentials that only a local engine accepts.
 */
export function useLocalAws(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) {
    if (name.startsWith('AWS_')) delete env[name];
  }
  env['AWS_REGION'] = 'us-east-1';
  env['AWS_ACCESS_KEY_ID'] = 'local';
  env['AWS_SECRET_ACCESS_KEY'] = 'local';
}
