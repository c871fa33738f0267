import { Refusal } from '../shared/api/problem.ts';
import type { Answer, ApiRequest } from '../shared/api/serve.ts';
import { type CustomerQueue, describeQueue } from './describe.ts';
import { parseRequest } from './request.ts';

/** One page of a customer's jobs, from one call of the database. */
export async function answerQueueStatus({ event, database }: ApiRequest): Promise<Answer> {
  const { customerId, limit, before } = parseRequest(event);
  const queue = await database.call<CustomerQueue>('customer_queue', {
    customer_id: customerId,
    page_size: limit,
    ...(before && { before_created_at: before.created_at, before_id: before.id }),
  });
  if (!queue.found) throw new Refusal(404, 'No job of this customer is known.');
  return { status: 200, body: describeQueue(customerId, queue) };
}
