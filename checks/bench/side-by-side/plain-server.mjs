/*
 * What a good engineer writes in an hour: fastify and pg, a guarded update and an insert in one transaction.
 * The service is compared with it. It does a fraction of what the service does: no hash chain, no plans, no
 * card, no statement, no rate limit.
 * Usage: node plain-server.mjs <port>, with DATABASE_URL. GET /_cpu returns its processor time.
 */
import { createHash } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';

const POOL = 20;
const UNIQUE_VIOLATION = '23505';
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: POOL });
const app = Fastify({ logger: true, keepAliveTimeout: 120_000 });

const AUTHENTICATE = 'SELECT account_id FROM api_keys WHERE hash = $1 AND revoked_at IS NULL';
const DEBIT =
  'UPDATE accounts SET balance = balance - 1, seq = seq + 1 WHERE id = $1 AND balance >= 1 RETURNING balance, seq';
const ENTER =
  'INSERT INTO entries (account_id, seq, fix_id, amount, balance_after) VALUES ($1, $2, $3, -1, $4)';
const ENTERED = 'SELECT balance_after FROM entries WHERE account_id = $1 AND fix_id = $2';

app.get('/_cpu', async () => process.cpuUsage());
app.post('/fixes/:id/billing', async (request, reply) => {
  const key = request.headers['x-api-key'];
  if (typeof key !== 'string') return reply.code(401).send({ code: 'missing_api_key' });
  const fixId = request.params.id;
  const db = await pool.connect();
  const run = (name, text, values) => db.query({ name, text, values }).then(({ rows }) => rows[0]);
  try {
    const owner = await run('authenticate', AUTHENTICATE, [createHash('sha256').update(key).digest('hex')]);
    if (!owner) return reply.code(401).send({ code: 'invalid_api_key' });
    await db.query('BEGIN');
    const head = await run('debit', DEBIT, [owner.account_id]);
    if (!head) {
      await db.query('ROLLBACK');
      const entry = await run('entered', ENTERED, [owner.account_id, fixId]);
      if (entry) return { already: true, balance: entry.balance_after };
      return reply.code(402).send({ code: 'insufficient_credits' });
    }
    await run('enter', ENTER, [owner.account_id, head.seq, fixId, head.balance]);
    await db.query('COMMIT');
    return { already: false, balance: head.balance };
  } catch (error) {
    await db.query('ROLLBACK').catch(() => {});
    if (error.code === UNIQUE_VIOLATION) return { already: true };
    throw error;
  } finally {
    db.release();
  }
});
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' });
