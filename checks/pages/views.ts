import type { View } from './look.ts';
import type { Scene } from './scene.ts';

const LISTS = [
  ...['payments', 'customers', 'subscriptions', 'invoices', 'refunds', 'disputes', 'events', 'deliveries'],
  ...['webhook_endpoints', 'tasks', 'calls', 'charges', 'payment_methods', 'prices', 'products'],
];

/** Every checked page, with the name of its screenshots. */
export const viewsOf = ({ double, mailbox, docs, objects }: Scene): View[] => [
  { name: 'double', url: double },
  ...LISTS.map((list) => ({ name: `double-${list}`, url: `${double}/${list}` })),
  ...objects.map((id, n) => ({
    name: `double-object-${n}-${id.replace(/_.*/, '')}`,
    url: `${double}/objects/${id}`,
  })),
  { name: 'double-missing', url: `${double}/objects/pi_none`, status: 404 },
  { name: 'mailbox', url: mailbox },
  { name: 'mailbox-search', url: `${mailbox}/?q=low_balance` },
  { name: 'mailbox-nothing', url: `${mailbox}/?q=nothing-like-it` },
  { name: 'mailbox-letter', url: `${mailbox}/letters/letter-9999` },
  { name: 'docs', url: `${docs}/docs` },
];
