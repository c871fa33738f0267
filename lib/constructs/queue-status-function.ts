import type { Construct } from 'constructs';
import { type QueueStatusVariables, SERVICE } from '../../lambdas/queue-status/env.ts';
import { ApiFunction, type ApiFunctionProps, apiVariables } from './api-function.ts';

/** Answers GET /api/queue/{customerId}. */
export class QueueStatusFunction extends ApiFunction {
  constructor(scope: Construct, id: string, props: ApiFunctionProps) {
    const environment: QueueStatusVariables = apiVariables(props);
    super(scope, id, { ...props, name: SERVICE, description: 'Says how the jobs of a customer stand', environment });
  }
}
