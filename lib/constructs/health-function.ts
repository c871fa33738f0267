import type { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type HealthVariables, SERVICE } from '../../lambdas/health/env.ts';
import { ApiFunction, type ApiFunctionProps, apiVariables } from './api-function.ts';

export interface HealthFunctionProps extends ApiFunctionProps {
  readonly staleThreshold: Duration;
  /** The monitors' periods, from which a late one is told. */
  readonly staleJobMonitorPeriod: Duration;
  readonly dlqMonitorPeriod: Duration;
}

/** Answers GET /api/health. */
export class HealthFunction extends ApiFunction {
  constructor(scope: Construct, id: string, props: HealthFunctionProps) {
    const environment: HealthVariables = {
      ...apiVariables(props),
      STALE_THRESHOLD_MINUTES: String(props.staleThreshold.toMinutes()),
      STALE_CHECK_MINUTES: String(props.staleJobMonitorPeriod.toMinutes()),
      DLQ_CHECK_MINUTES: String(props.dlqMonitorPeriod.toMinutes()),
    };
    super(scope, id, { ...props, name: SERVICE, description: 'Says whether the queue is healthy', environment });
  }
}
